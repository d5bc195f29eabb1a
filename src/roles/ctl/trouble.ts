import { ErrorName, type Failure } from "../../base/failure.ts";

/** Ends a command: lines for stderr, and the exit status. */
export class Trouble extends Error {
  readonly lines: readonly string[];
  readonly status: number;
  /** Whether the last line goes without a newline, as it does in the original here and there. */
  readonly unended: boolean;

  constructor(lines: readonly string[], { status = 1, unended = false } = {}) {
    super(lines.join("\n"));
    this.lines = lines;
    this.status = status;
    this.unended = unended;
  }
}

/** What the bus's policy keeps from the controller, in the words of dbus-daemon and dbus-broker. */
const brokers = ["Rejected send message", "Sender is not authorized to send message"];

/**
 * What is said of a failed call. The two brokers word some refusals differently and at length; here they read the same.
 */
export function explain(failure: Failure): string {
  if (failure.errorName === ErrorName.ServiceUnknown && failure.message.includes("was not provided by any .service")) {
    return "The name is not activatable: bluechi-controller does not run on this host";
  }
  const rejected = brokers.some((words) => failure.message.startsWith(words));
  if (failure.errorName === ErrorName.AccessDenied && rejected && process.getuid?.() !== 0)
    return "Access denied: only root may do this, or a member of the group bluechi whom the bus's policy lets in";
  return failure.message;
}

const standard = "org.freedesktop.DBus.Error.";
const systemd = "org.freedesktop.systemd1.";

/** What sd_bus_error_get_errno(3) of libsystemd makes of the standard errors, and of systemd's own. */
const standardTexts: Record<string, string> = {
  Failed: "Permission denied",
  NoMemory: "Cannot allocate memory",
  ServiceUnknown: "No route to host",
  NameHasNoOwner: "No such device or address",
  NoReply: "Connection timed out",
  BadAddress: "Cannot assign requested address",
  NotSupported: "Operation not supported",
  LimitsExceeded: "No buffer space available",
  AccessDenied: "Permission denied",
  AuthFailed: "Permission denied",
  InteractiveAuthorizationRequired: "Permission denied",
  NoServer: "Host is down",
  Timeout: "Connection timed out",
  TimedOut: "Connection timed out",
  NoNetwork: "Machine is not on the network",
  AddressInUse: "Address already in use",
  Disconnected: "Connection reset by peer",
  InvalidArgs: "Invalid argument",
  InvalidSignature: "Invalid argument",
  FileNotFound: "No such file or directory",
  FileExists: "File exists",
  UnknownMethod: "Invalid request descriptor",
  UnknownObject: "Invalid request descriptor",
  UnknownInterface: "Invalid request descriptor",
  UnknownProperty: "Invalid request descriptor",
  PropertyReadOnly: "Read-only file system",
  UnixProcessIdUnknown: "No such process",
  InconsistentMessage: "Bad message",
  ObjectPathInUse: "Device or resource busy",
};
const systemdTexts: Record<string, string> = {
  NoSuchUnit: "No such file or directory",
  UnitExists: "File exists",
  BadUnitSetting: "Exec format error",
  UnitMasked: "Operation not possible due to RF-kill",
  UnitGenerated: "Cannot assign requested address",
  UnitLinked: "Too many levels of symbolic links",
  ShuttingDown: "Operation canceled",
};

/** The text of the error number that stands for a D-Bus error. */
export function errnoText({ errorName }: Failure): string {
  return textOf(errorName, standard, standardTexts) ?? textOf(errorName, systemd, systemdTexts) ?? "Input/output error";
}

function textOf(errorName: string, prefix: string, texts: Record<string, string>): string | undefined {
  const name = errorName.startsWith(prefix) ? errorName.slice(prefix.length) : "";
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}
