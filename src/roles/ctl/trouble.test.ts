import { expect, spyOn, test } from "bun:test";
import { ErrorName, Failure } from "../../base/failure.ts";
import { errnoText, explain } from "./trouble.ts";

test("a name that nobody has reads the same with both brokers", () => {
  const text = "The name org.eclipse.bluechi was not provided by any .service files";
  expect(explain(new Failure(ErrorName.ServiceUnknown, text))).toBe(
    "The name is not activatable: bluechi-controller does not run on this host",
  );
  expect(explain(new Failure(ErrorName.ServiceUnknown, "Node not found"))).toBe("Node not found");
});

const denied = "Access denied: only root may do this, or a member of the group bluechi whom the bus's policy lets in";

test.each([
  [1000, "Rejected send message, 1 matched rules", denied],
  [1000, "Sender is not authorized to send message", denied],
  [1000, "Access denied: polkit does not allow it", "Access denied: polkit does not allow it"],
  [0, "Rejected send message", "Rejected send message"],
])("a refusal to user %d: %s", (uid, text, expected) => {
  const user = spyOn(process as { getuid(): number }, "getuid").mockReturnValue(uid);
  const said = explain(new Failure(ErrorName.AccessDenied, text));
  user.mockRestore();
  expect(said).toBe(expected);
});

test.each([
  ["org.freedesktop.DBus.Error.FileNotFound", "No such file or directory"],
  ["org.freedesktop.DBus.Error.UnknownObject", "Invalid request descriptor"],
  ["org.freedesktop.DBus.Error.constructor", "Input/output error"],
  ["org.freedesktop.systemd1.NoSuchUnit", "No such file or directory"],
  ["org.freedesktop.systemd1.UnitMasked", "Operation not possible due to RF-kill"],
  ["org.eclipse.bluechi.Offline", "Input/output error"],
])("%s as an error number", (name, text) => {
  expect(errnoText(new Failure(name, ""))).toBe(text);
});
