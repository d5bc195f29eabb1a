/**
 * The body of a D-Bus message as it travels: its signature and its bytes, little-endian. A body is self-contained (its
 * alignment starts at its own first byte), so a reply of systemd can cross the wire and enter another message without
 * being decoded or built again.
 */
export interface Body {
  readonly signature: string;
  readonly bytes: Uint8Array;
}

export const emptyBody: Body = { signature: "", bytes: new Uint8Array(0) };
