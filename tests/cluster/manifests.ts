// What runs in the clusters of tests.

/** A Deployment `web` of pods that listen on 80. `extra`: further fields of the pods' spec, each with its comma. */
export const web = (replicas: number, image: string, extra = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {${extra}containers: [{name: c, image: "${image}", ports: [{containerPort: 80}]}]}
`;

/** The same behind a Service, and a client. */
export const served = (replicas: number, image: string) => `${web(replicas, image)}---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: i}]}
`;
export const QUESTION = { from: "pod/default/client", to: "svc/default/web:80" };

/** Two web pods behind a Service of both families, a client, a Service of nobody. */
export const DUAL_STACK = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop }
spec: { containers: [{ name: client, image: client, ports: [{ containerPort: 9 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  ipFamilies: [IPv6, IPv4]
  clusterIPs: ["fd00:10:96::10", "10.96.0.10"]
  clusterIP: "fd00:10:96::10"
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }]
---
apiVersion: v1
kind: Service
metadata: { name: none, namespace: shop }
spec:
  ipFamilyPolicy: SingleStack
  ipFamilies: [IPv6]
  clusterIP: "fd00:10:96::11"
  selector: { app: nobody }
  ports: [{ port: 80 }]
`;
