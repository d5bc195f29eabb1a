// dbus-next ships no types for this inner module.
declare module "dbus-next/lib/handshake.js" {
  import type { Socket } from "node:net";

  type Stream = Pick<Socket, "on" | "removeListener" | "emit" | "read"> & { write(text: string): boolean };

  /** Authenticates on a connected stream (D-Bus specification, "Authentication Protocol"). */
  const handshake: (
    stream: Stream,
    options: { readonly authMethods: readonly string[] },
    done: (error: Error | string | null, guid?: string) => void,
  ) => void;
  export = handshake;
}
