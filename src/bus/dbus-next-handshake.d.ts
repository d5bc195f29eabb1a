// dbus-next ships no types for this inner module.
declare module "dbus-next/lib/handshake.js" {
  import type { Socket } from "node:net";

  /** Authenticates on a connected stream (D-Bus specification, "Authentication Protocol"). */
  const handshake: (
    stream: Socket,
    options: { readonly authMethods: readonly string[] },
    done: (error: Error | string | null, guid?: string) => void,
  ) => void;
  export = handshake;
}
