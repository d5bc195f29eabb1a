// bun rogue.ts CLUSTER: somebody in between who poses as the controller of a cluster, with an authority of their own. Prints
// `waiting` once it waits on port 8443, `met` for each who comes, and `heard HEX` for what is said to it behind the handshake.
import { createServer } from "node:tls";
import { issue, makeAuthority } from "../../src/identity/issuer.ts";
import { makeKey, makeRequest } from "../../src/identity/request.ts";

const [cluster = ""] = process.argv.slice(2);
const [authorityKeyPem, key] = [makeKey(), makeKey()];
const authorityPem = await makeAuthority(cluster, authorityKeyPem);
const subject = { cluster, role: "controller" } as const;
const certificate = await issue({ authorityPem, authorityKeyPem, subject, request: makeRequest(key) });
const server = createServer({ cert: certificate + authorityPem, key, minVersion: "TLSv1.3" });
// The runtime hands out the socket that TLS will be spoken on, so nothing that is said to it is missed.
server.on("connection", (socket) => {
  console.log("met");
  socket.on("data", (bytes) => console.log(`heard ${bytes.toString("hex")}`));
  socket.on("error", () => {});
});
server.listen(8443, "::", () => console.log("waiting"));
