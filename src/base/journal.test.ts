import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEntry, Journal } from "./journal.ts";

test("a value of one line follows its key, one of several is told with its length", () => {
  const text = encodeEntry({ MESSAGE: "a=b", PRIORITY: "6" });
  expect(Buffer.from(text).toString()).toBe("MESSAGE=a=b\nPRIORITY=6\n");
  const binary = encodeEntry({ MESSAGE: "é\nPRIORITY=0", PRIORITY: "6" });
  const length = "\x0d\0\0\0\0\0\0\0";
  expect(Buffer.from(binary).toString()).toBe(`MESSAGE\n${length}é\nPRIORITY=0\nPRIORITY=6\n`);
});

test("a journal that is not there takes nothing", () => {
  const journal = new Journal("/nonexistent/socket");
  expect(journal.send({ MESSAGE: "text" })).toBe(false);
  expect(journal.send({ MESSAGE: "text" })).toBe(false);
});

test("patient entries wait while journald is behind, keep their order, and are refused only beyond a thousand", async () => {
  const path = join(tmpdir(), `bluechi-journal-${process.pid}`);
  // Reads nothing until it is told to, then whatever comes until there is `last`.
  const program = `import os, socket, sys
path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(path)
print("b", end="", flush=True)
sys.stdin.readline()
while True:
    entry = receiver.recv(65536).decode()
    if entry == "MESSAGE=last\\n": break
    print(entry, end="", flush=True)
os.unlink(path)`;
  const reader = Bun.spawn(["python3", "-c", program, path], { stdin: "pipe", stdout: "pipe" });
  const output = reader.stdout.getReader();
  await output.read();
  const journal = new Journal(path);
  const taken: string[] = [];
  let refused = false;
  for (let entry = 0; !refused; entry++) {
    refused = !journal.send({ MESSAGE: `${entry}` }, true);
    if (!refused) taken.push(`MESSAGE=${entry}\n`);
  }
  expect(taken.length).toBeGreaterThan(1000);
  expect(journal.send({ MESSAGE: "of no patience" })).toBe(false);
  reader.stdin.write("read\n");
  await reader.stdin.end();
  const patience = setInterval(() => {
    if (journal.send({ MESSAGE: "last" }, true)) clearInterval(patience);
  }, 5);
  let heard = "";
  for (let piece = await output.read(); !piece.done; piece = await output.read()) heard += Buffer.from(piece.value);
  expect(heard).toBe(taken.join(""));
});
