import { expect, test } from "bun:test";
import { Turns } from "./turns.ts";

/** A question that a test answers. */
function question() {
  const asked: PromiseWithResolvers<string>[] = [];
  const turns = new Turns(() => {
    const one = Promise.withResolvers<string>();
    asked.push(one);
    return one.promise;
  });
  return { asked, turns };
}

const settled = () => new Promise(setImmediate);

test("who asks alone is answered each time anew", async () => {
  const { asked, turns } = question();
  for (const text of ["first", "second"]) {
    const answer = turns.answer();
    asked.at(-1)?.resolve(text);
    expect(await answer).toBe(text);
  }
  expect(asked.length).toBe(2);
});

test("who asks while it is asked gets an answer that is asked for later, with all others", async () => {
  const { asked, turns } = question();
  const first = turns.answer();
  const others = [turns.answer(), turns.answer(), turns.answer()];
  expect(asked.length).toBe(1);
  asked[0]?.resolve("before");
  expect(await first).toBe("before");
  expect(asked.length).toBe(2);
  const late = turns.answer();
  asked[1]?.resolve("after");
  expect(await Promise.all(others)).toEqual(["after", "after", "after"]);
  asked[2]?.resolve("last");
  expect(await late).toBe("last");
  expect(asked.length).toBe(3);
});

test("a question that fails has failed for those who wait, and is asked again then", async () => {
  const { asked, turns } = question();
  const answers = [turns.answer(), turns.answer()].map((answer) => answer.catch((thrown) => String(thrown)));
  asked[0]?.reject("lost");
  expect(await Promise.all(answers)).toEqual(["lost", "lost"]);
  await settled();
  expect(asked.length).toBe(1);
  const again = turns.answer();
  asked[1]?.resolve("found");
  expect(await again).toBe("found");
});
