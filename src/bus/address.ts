/** DBUS_SYSTEM_BUS_ADDRESS, or where the system bus listens. */
export function systemBusAddress(_environment: NodeJS.ProcessEnv = process.env): string {
  throw new Error("signatures only");
}
/** DBUS_SESSION_BUS_ADDRESS, or where the bus of this user listens. */
export function userBusAddress(_environment: NodeJS.ProcessEnv = process.env): string {
  throw new Error("signatures only");
}
