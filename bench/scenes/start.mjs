// One start of the library as a program has it: prints the milliseconds from before the import to after the first trace.

const started = performance.now();
const { Cluster } = await import("podwire");
const cluster = await Cluster.create({ nodes: 3 });
await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, labels: { app: client } }
spec: { containers: [{ name: client, image: client }] }
`);
await cluster.settle();
const path = cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" });
// The stream behind `process.stdout` is made when it is first asked for: not in the time.
const ms = performance.now() - started;
process.stdout.write(JSON.stringify({ ms, verdict: path.verdict }));
