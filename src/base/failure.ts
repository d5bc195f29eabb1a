/**
 * The D-Bus error names that bluechi itself answers with. systemd's own errors pass through with the names systemd
 * gave them, so a Failure may carry any name.
 */
export const ErrorName = {
  Failed: "org.freedesktop.DBus.Error.Failed",
  NoReply: "org.freedesktop.DBus.Error.NoReply",
  Timeout: "org.freedesktop.DBus.Error.Timeout",
  Disconnected: "org.freedesktop.DBus.Error.Disconnected",
  LimitsExceeded: "org.freedesktop.DBus.Error.LimitsExceeded",
  InvalidArgs: "org.freedesktop.DBus.Error.InvalidArgs",
  InvalidSignature: "org.freedesktop.DBus.Error.InvalidSignature",
  InconsistentMessage: "org.freedesktop.DBus.Error.InconsistentMessage",
  AccessDenied: "org.freedesktop.DBus.Error.AccessDenied",
  InteractiveAuthorizationRequired: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
  AddressInUse: "org.freedesktop.DBus.Error.AddressInUse",
  ServiceUnknown: "org.freedesktop.DBus.Error.ServiceUnknown",
  NameHasNoOwner: "org.freedesktop.DBus.Error.NameHasNoOwner",
  UnknownObject: "org.freedesktop.DBus.Error.UnknownObject",
  UnknownInterface: "org.freedesktop.DBus.Error.UnknownInterface",
  UnknownMethod: "org.freedesktop.DBus.Error.UnknownMethod",
  UnknownProperty: "org.freedesktop.DBus.Error.UnknownProperty",
  PropertyReadOnly: "org.freedesktop.DBus.Error.PropertyReadOnly",
  Offline: "org.eclipse.bluechi.Offline",
  ActivationFailed: "org.eclipse.bluechi.ActivationFailed",
} as const;

/**
 * Trouble that is expected: bad input, a refusal, something that is not there. It crosses D-Bus and the wire as
 * `errorName` and `message`. A broken invariant of ours throws a plain Error instead.
 */
export class Failure extends Error {
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message);
    this.name = "Failure";
    this.errorName = errorName;
  }
}

/** What is said of any thrown value, in one line. */
export function describe(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.split("\n", 1)[0] ?? text;
}

/** The Failure that a thrown value is, or an unspecific one that carries its words. */
export function asFailure(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure(ErrorName.Failed, describe(thrown));
}
