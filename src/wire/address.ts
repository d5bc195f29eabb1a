/** Where a peer is found: a host (a name or an IP address) and port, or the path of a unix socket. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/**
 * The address in a D-Bus address such as `tcp:host=10.0.0.1,port=842` or `unix:path=/run/bluechi/bluechi.sock`.
 * @throws Failure InvalidArgs when it is no such address.
 */
export declare function parseAddress(text: string): Address;

/** The address in the syntax of D-Bus, with its escapes. */
export declare function formatAddress(address: Address): string;
