// Passes bytes on, both ways, between the one connection that is made to it and the one that it makes, and ends with them:
// bun hop.ts FROM [TO]. Each is a unix socket's path, or an address and a port. Without TO all comes back. Says its pid.
import type { Socket } from "bun";

const [from = "", to] = process.argv.slice(2);
const close = () => process.exit();

let near: Socket | undefined;
const socket = { data: (_: Socket, bytes: Buffer) => pass(near, bytes), close };
const far = to === undefined ? undefined : await Bun.connect({ ...place(to), socket });
Bun.listen({
  ...place(from),
  socket: {
    open: (opened) => {
      near = opened;
    },
    data: (_, bytes) => pass(far ?? near, bytes),
    close,
  },
});
console.log(`pid ${process.pid}`);

/** It is so little that the kernel takes it at once. */
function pass(on: Socket | undefined, bytes: Buffer): void {
  if (on?.write(bytes) !== bytes.length) throw new Error("the kernel does not take what is to be passed on");
}

/** Its type is that of any: the runtime takes either. */
function place(text: string): { unix: string } {
  const [hostname = "", port] = text.split(" ");
  const either: object = port === undefined ? { unix: text } : { hostname, port: Number(port) };
  return either as { unix: string };
}
