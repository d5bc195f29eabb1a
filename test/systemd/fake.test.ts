import { FakeClock } from "../../src/base/fake-clock.ts";
import { FakeSystemd } from "../../src/systemd/fake.ts";
import { suiteUnits, systemdSuite } from "./suite.ts";

const clock = new FakeClock();
const fake = new FakeSystemd(clock, suiteUnits);

systemdSuite("the fake systemd", {
  connect: async () => fake.connect(),
  async wait(promise) {
    let waiting = true;
    const done = () => {
      waiting = false;
    };
    promise.then(done, done);
    // Promises have their turn between two timers.
    for (await Bun.sleep(0); waiting; await Bun.sleep(0)) {
      if (clock.nextMs === undefined) throw new Error("nothing is going to happen any more");
      clock.advance(clock.nextMs - clock.monotonicMs());
    }
    return promise;
  },
  disconnect: async () => fake.disconnect(),
});
