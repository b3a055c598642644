// What the sessions apply.

const web = (replicas: number, image: string) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: ${replicas}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: nginx
        image: ${image}
        ports:
        - containerPort: 80
`;

export const FILES: Readonly<Record<string, string>> = {
	"web.yaml": `${web(2, "nginx:1")}---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
  clusterIP: 10.96.0.80
  selector: {app: web}
  ports:
  - port: 80
    nodePort: 30080
`,
	"web-changed.yaml": web(4, "nginx:2"),
	"settings.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {set: a}}
data: {level: debug, "__proto__": kept}
`,
	"unknown-field.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: typo
dta:
  a: b
`,
	"wrong-selector.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: wrong
spec:
  selector:
    matchLabels:
      app: other
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: c
        image: i
`,
	"wrong-name.yaml": `apiVersion: v1
kind: Namespace
metadata:
  name: Not_A_Label
`,
	"node.yaml": `apiVersion: v1
kind: Node
metadata:
  name: node-1
---
apiVersion: v1
kind: Pod
metadata:
  name: lonely
  labels: {run: lonely}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: i
`,
	"one.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: one\n  labels:\n    tier: front\n",
	"two.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: one\n  labels:\n    tier: back\n",
	"set-all.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: first
  labels:
    set: a
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: second
  labels:
    set: a
`,
	"set-less.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: first
  labels:
    set: a
`,
	"ingress.yaml": `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: front
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web
            port:
              number: 80
`,
	"policy.yaml": `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny
spec:
  podSelector: {}
  policyTypes: [Ingress]
`,
};
