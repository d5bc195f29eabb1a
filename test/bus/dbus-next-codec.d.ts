// dbus-next ships no types for these inner modules.
declare module "dbus-next/lib/marshall.js" {
  const marshall: (signature: string, values: readonly unknown[]) => Buffer;
  export = marshall;
}

declare module "dbus-next/lib/dbus-buffer.js" {
  const DBusBuffer: new (bytes: Buffer, start: number, endian: number) => { read(signature: string): unknown[] };
  export = DBusBuffer;
}
