// Writes docs/PROTOCOL.md from the tables of src/wire, and adds new rows and fields to src/wire/protocol.lock.
// A change that would break peers in the field is refused.

import { ErrorName } from "../src/base/failure.ts";
import { emptyPlan, faultPlan, GoodbyeCode, goodbyePlan, rows } from "../src/wire/codec.ts";
import { compressedPlan, compressionFeature, maxRatio } from "../src/wire/compression.ts";
import { enrolledPlan, enrolPlan, pendingPlan } from "../src/wire/enrolment.ts";
import { FrameType, requestBit } from "../src/wire/frame.ts";
import {
  helloPlan,
  helloTimeoutMs,
  maxHello,
  oldestProtocol,
  protocol,
  refusePlan,
  welcomePlan,
} from "../src/wire/hello.ts";
import { defaultLimits } from "../src/wire/limits.ts";
import { messages } from "../src/wire/messages.ts";
import type { Plan } from "../src/wire/plan.ts";
import type { Fields, Message } from "../src/wire/table.ts";
import { Writer } from "../src/wire/writer.ts";

export const lockPath = "src/wire/protocol.lock";
export const pagePath = "docs/PROTOCOL.md";

const retired = /^retired /;
const table: Record<string, Message> = messages;

/** A line of the lock: `id name kind from | fields | fields of the reply`, in front of it `retired` if it is. */
function lineOf(name: string, row: Message): string {
  const reply = row.kind === "request" ? list(row.reply) : "";
  return `${row.id} ${name} ${row.kind} ${row.from} | ${list(row.fields)} | ${reply}`.trimEnd();
}

function list(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, type]) => `${name}:${type}`)
    .join(" ");
}

function partsOf(line: string): string[] {
  return line
    .replace(retired, "")
    .split("|")
    .map((part) => part.trim());
}

/** What is wrong with the messages, going by what the lock says was there before; empty when they only grew. */
export function problems(lock: string, now: Record<string, Message> = table): string[] {
  const found: string[] = [];
  for (const line of lock.split("\n").filter(Boolean)) {
    const [head = "", fields = "", reply = ""] = partsOf(line);
    const [id = "", name = ""] = head.split(" ");
    const row = now[name];
    if (retired.test(line)) {
      const heir = Object.entries(now).find(([other, { id: used }]) => used === Number(id) || other === name);
      if (heir) found.push(`'${heir[0]}' uses the id or the name of the retired row: ${line}`);
    } else if (!row) {
      found.push(`'${name}' is gone; to retire it write 'retired' in front of its line: ${line}`);
    } else {
      const [headNow = "", fieldsNow = "", replyNow = ""] = partsOf(lineOf(name, row));
      const grew =
        `${fieldsNow} `.startsWith(fields && `${fields} `) && `${replyNow} `.startsWith(reply && `${reply} `);
      if (head !== headNow || !grew) found.push(`'${name}' may only get fields at the end, and was: ${line}`);
    }
  }
  const ids = Object.values(now).map((row) => row.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} is used twice`);
  return found;
}

/** The lock with the rows and fields that are new; retired rows stay. */
export function renewLock(lock: string, now: Record<string, Message> = table): string {
  const lines = [
    ...lock.split("\n").filter((line) => retired.test(line)),
    ...Object.entries(now).map(([name, row]) => lineOf(name, row)),
  ];
  const id = (line: string): number => Number.parseInt(line.replace(retired, ""), 10);
  return `${lines.sort((left, right) => id(left) - id(right)).join("\n")}\n`;
}

const frameFields: Record<keyof typeof FrameType, [plan: Plan, from: string]> = {
  hello: [helloPlan, "agent"],
  welcome: [welcomePlan, "controller"],
  refuse: [refusePlan, "controller"],
  heartbeat: [emptyPlan, "both"],
  reply: [[], "both"],
  fault: [faultPlan, "both"],
  goodbye: [goodbyePlan, "both"],
  probe: [helloPlan, "agent"],
  compressed: [compressedPlan, "both"],
  enrol: [enrolPlan, "host"],
  enrolled: [enrolledPlan, "controller"],
  pending: [pendingPlan, "controller"],
};

function frameTable(): string {
  const lines = Object.entries(FrameType).map(([name, type]) => {
    const [plan, from] = frameFields[name as keyof typeof FrameType];
    const own = plan.map((field) => `${field.name} \`${field.type.code}\``).join(", ");
    const fields = { reply: "serial, then the fields of the reply", fault: `serial, then ${own}` }[name] ?? own;
    return `| ${type} | ${name} | ${from} | ${fields || "none"} |`;
  });
  return ["| Type | Name | From | Payload |", "|---|---|---|---|", ...lines].join("\n");
}

function messageTable(): string {
  const show = (fields: Fields): string =>
    Object.entries(fields)
      .map(([name, type]) => `${name} \`${type}\``)
      .join(", ") || "none";
  const lines = Object.entries(table).map(([name, row]) => {
    const type = row.kind === "request" ? `${row.id} + ${requestBit}` : `${row.id}`;
    const reply = row.kind === "request" ? show(row.reply) : "";
    return `| ${type} | ${name} | ${row.from} | ${row.kind} | ${show(row.fields)} | ${reply} |`;
  });
  return ["| Type | Name | From | Kind | Fields | Reply |", "|---|---|---|---|---|---|", ...lines].join("\n");
}

/** A startJob as it crosses, taken apart. */
function example(): string {
  const { id, fields } = rows.startJob;
  const values = { jobId: 300, type: "start", unit: "a.service", mode: "replace" };
  const parts = fields.map((field): [string, string] => [
    hex((writer) => writer.fields([field], values)),
    `${field.name} \`${field.type.code}\`: ${JSON.stringify(values[field.name as keyof typeof values])}`,
  ]);
  const payload = 1 + parts.reduce((sum, [bytes]) => sum + (bytes.length + 1) / 3, 0);
  const lines = [
    [`${payload.toString(16).padStart(2, "0")} 00 00`, `${payload} bytes of payload`],
    [(id | requestBit).toString(16), `type: request ${id}`],
    ["07", "serial 7"],
    ...parts,
    ["", ""],
    ["01 00 00", "the reply: 1 byte of payload"],
    [`0${FrameType.reply}`, "type: reply"],
    ["07", "serial 7; startJob's reply has no fields"],
  ];
  return lines.map(([bytes = "", what]) => `    ${bytes.padEnd(30)} ${what}`.trimEnd()).join("\n");
}

function hex(write: (writer: Writer) => void): string {
  const writer = new Writer();
  write(writer);
  return [...writer.take()].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** docs/PROTOCOL.md */
export function page(): string {
  return `<!-- Written by scripts/protocol.ts from the tables in src/wire: change those, and run it. -->
# The protocol between agent and controller

An agent connects to the controller over TCP, with TLS 1.3 once there is a cluster (security.md, "The link"), or over a unix
socket. Both send frames, the same everywhere.

## Frames

    byte 0..2   length of the payload, unsigned, little-endian
    byte 3      type
    byte 4..    payload

A type below ${requestBit} needs no answer, or is one. A type with bit 7 (${requestBit}) set is a request: its payload begins with a serial, a
varint that no other unanswered request of its sender has, and it is answered by one \`reply\` or \`fault\` with that
serial. Answers come in any order. All other frames are handled in the order of arrival.

Types up to 15 are the frames that every version understands:

${frameTable()}

A frame has at most ${maxHello} bytes of payload until the hello has been accepted, and ${defaultLimits.maxFrame} after that. Whoever receives a
larger one, one that cannot be decoded, or a message that is not its sender's to send, ends the connection.

## Hello

The agent's first frame is \`hello\`, with "bluechi" as its magic. The controller answers with \`welcome\`, or with \`refuse\`,
which carries a D-Bus error name and a message, and ends the connection. Either side waits ${helloTimeoutMs / 1000} seconds for the other.
\`welcome\` carries the lower one of both protocol numbers and the features that both sides have. The protocol number is
${protocol}; the oldest one that is still spoken is ${oldestProtocol}.

agent is a random number of one run of an agent, attempt grows with each of its attempts: one that arrives after a later one,
because the agent has given it up, is refused.

The features are a bit each: ${compressionFeature} says that its sender takes \`compressed\` frames. Such a frame stands for another one that is
long, and holds that one's type, the size of its payload, and the payload as one zstd frame (RFC 8878) that has its content size,
no checksum and no dictionary. It unfolds to ${maxRatio} times its own content at most, and to no other compressed frame.

An agent that only wants to know whether it would be let in sends \`probe\` in place of \`hello\`. It is answered in the same
way, but refused with \`${ErrorName.AddressInUse}\` while an agent is connected by its name.
The connection ends then.

## Joining

A host that has no certificate yet connects with TLS, without showing one, and looks whether the controller's certificate is
of the authority that it was told of. Only then it sends \`enrol\`, with "bluechi" as its magic: the name that it wants, the secret
of its token, and a request for a certificate (PKCS #10, DER), of which nothing but the public key counts. The answer is
\`enrolled\` with the certificate and the authorities to believe (PEM), or \`refuse\`. Without a secret somebody has to approve
first: until then the answer is \`pending\`, and the host asks again after retryMs. The connection ends after the answer.

## Calls and events

A request that is not known is answered with the fault \`org.freedesktop.DBus.Error.UnknownMethod\`; an event that is not
known is skipped. A side that has ${defaultLimits.maxPending} requests to answer, or more than ${defaultLimits.highWaterBytes / 2 ** 20} MiB of answers queued, does not read until that
is less. A connection with more than ${defaultLimits.maxQueuedBytes / 2 ** 20} MiB queued is ended. \`goodbye\` says why its sender ends the connection.
Its code is ${GoodbyeCode.displaced} when another agent has connected by the same name, which takes the place of the older one, else ${GoodbyeCode.other}.
An agent that is told so comes back only when a probe is not refused.

## Heartbeats

Either side sends \`heartbeat\` every so often, as its settings say. Anything that arrives is a sign of life. A side that has
heard nothing for as long as its settings allow says goodbye and ends the connection, unless the peer's greeting said that it
sends none (heartbeatIntervalMs 0).

## Encoding

The type of a field is a D-Bus signature, without variants, dictionaries and file descriptors, or \`body\`.

| Type | On the wire |
|---|---|
| \`y\` | one byte |
| \`b\` | one byte, 0 or 1 |
| \`q\` \`u\` \`t\` | unsigned varint: seven bits a byte, lowest first, bit 7 set in all but the last; no padding |
| \`n\` \`i\` \`x\` | zigzag varint: 0, -1, 1, -2 become 0, 1, 2, 3 |
| \`d\` | eight bytes, IEEE 754, little-endian |
| \`s\` \`o\` \`g\` | length in bytes as a varint, then UTF-8 without NUL |
| \`ay\` | length as a varint, then the bytes |
| \`a…\` | count as a varint, then the elements |
| \`(…)\` | the members one after the other |
| \`body\` | the body of a D-Bus message: its signature as \`g\`, then its little-endian bytes as \`ay\` |

A request \`startJob\` with serial 7, and its reply:

${example()}

## Versions

- Fields are only appended. One that is missing at the end is zero: 0, false, an empty string, list or body. So zero has
  to mean what was meant before the field was there. Bytes left over at the end of a frame are skipped.
- Structs never get members. Ids and names of messages are never used again.
- \`${lockPath}\` keeps the record; a test holds the table against it. After adding a row or a field run
  \`bun scripts/protocol.ts\`.

## Messages

${messageTable()}
`;
}

if (import.meta.main) {
  const lock = Bun.file(lockPath);
  const before = (await lock.exists()) ? await lock.text() : "";
  const found = problems(before);
  for (const problem of found) process.stderr.write(`${problem}\n`);
  if (found.length > 0) process.exit(1);
  await Bun.write(lockPath, renewLock(before));
  await Bun.write(pagePath, page());
}
