/** A hold lasts as long as the work, and what the work has not used is free afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, type Hold, TopupError } from "../src/index.js";
import { busy, HOLD, ok, problem, RECEIPT, Service, silence } from "./service.js";

const ENDED = { state: "expired", captured: 0, shortfall: 0 };
const OPTIONS = { key: "job-7" };

function hold<Result>(service: Service, work: (hold: Hold) => Promise<Result>, attempts = 1): Promise<Result> {
  return service.client(attempts).hold("user-1", 200, "Summary", OPTIONS, work);
}

/** Stands for the waiting between extensions: the work ends after so many waits. */
function waits(number: number): { seconds: number[]; wait: (seconds: number) => Promise<void> } {
  const seconds: number[] = [];
  const wait = async (pause: number) => {
    seconds.push(pause);
    if (seconds.length > number) throw new Error("the work has ended");
  };
  return { seconds, wait };
}

test("a capture takes, and nothing is left to release", async () => {
  const service = new Service();

  const receipt = await hold(service, (held) => held.capture(130));

  assert.deepEqual([receipt.amount_captured, receipt.late], [130, false]);
  assert.deepEqual(service.calls, ["holds", "capture"]);
  assert.deepEqual(service.keys("capture"), ["job-7:capture-1"]);
});

test("what is not captured is released when the work ends, also by an error", async () => {
  const service = new Service();

  await assert.rejects(hold(service, () => Promise.reject(new Error("the work failed"))), /the work failed/);

  assert.deepEqual(service.calls, ["holds", "release"]);
});

test("each of several captures has a key, and the rest is released", async () => {
  const service = new Service();

  await hold(service, async (held) => {
    await held.capture(10, { final: false });
    await held.capture(10, { final: false });
  });

  assert.deepEqual(service.keys("capture"), ["job-7:capture-1", "job-7:capture-2"]);
  assert.equal(service.calls.at(-1), "release");
});

for (const answer of [busy(), silence, ok({ received: true }), ok({ ...RECEIPT, hold_id: "another" })]) {
  test("a hold whose capture may have to be sent again is not released", async () => {
    const service = new Service().will(ok(HOLD), answer);

    await assert.rejects(hold(service, (held) => held.capture(130)), (error: TopupError) => error.mayHaveActed);

    assert.deepEqual(service.calls, ["holds", "capture"]);
  });
}

test("the same capture again after no answer is the same request", async () => {
  const service = new Service().will(ok(HOLD), silence);

  await hold(service, async (held) => {
    await assert.rejects(held.capture(10, { final: false }));
    await held.capture(10, { final: false });
    await held.capture(10, { final: false });
  });

  assert.deepEqual(service.keys("capture"), ["job-7:capture-1", "job-7:capture-1", "job-7:capture-2"]);
  assert.equal(service.calls.at(-1), "release");
});

test("a final capture leaves the hold to an earlier one whose outcome is not known", async () => {
  const service = new Service().will(ok(HOLD), silence, silence);

  await hold(service, async (held) => {
    await assert.rejects(held.capture(10, { final: false }));
    await assert.rejects(held.capture(20));
    await held.capture(20);
  });

  const bodies = service.requests.slice(1).map(({ body }) => JSON.parse(body) as { final: boolean });
  assert.deepEqual(bodies.map(({ final }) => final), [false, false, false]);
  assert.deepEqual(service.keys("capture"), ["job-7:capture-1", "job-7:capture-2", "job-7:capture-2"]);
  assert.equal(service.calls.at(-1), "capture");
});

test("a capture under way keeps its hold whatever ends the work", async () => {
  const service = new Service();
  const stopped = new Error("stopped");
  let captured: Promise<unknown> | undefined;

  await assert.rejects(
    hold(service, async (held) => {
      captured = held.capture(130);
      throw stopped;
    }),
    stopped,
  );
  await captured;

  assert.deepEqual(service.calls, ["holds", "capture"]);
});

test("a hold that an earlier try has released ends the work before it begins", async () => {
  const again = ok(HOLD, { "idempotent-replayed": "true" });
  const service = new Service().will(again, problem(409, "hold_ended", { ...ENDED, state: "released" }));

  await assert.rejects(hold(service, async () => assert.fail("the work has begun")), ApiError);

  assert.deepEqual(service.calls, ["holds", "extend"]);
});

test("a hold that an earlier try has captured answers again", async () => {
  const again = ok(HOLD, { "idempotent-replayed": "true" });
  const service = new Service().will(again, problem(409, "hold_ended", { ...ENDED, state: "captured", captured: 130 }));
  const held = await service.client().openHold("user-1", 200, "Summary", OPTIONS);

  await held.findAgain();

  assert.equal((await held.capture(130)).amount_captured, 130);
});

test("a hold that has ended needs no release", async () => {
  const service = new Service().will(ok(HOLD), problem(409, "hold_ended", ENDED));

  await hold(service, async () => undefined);

  assert.deepEqual(service.calls, ["holds", "release"]);
});

test("it is extended whenever half of its time is over", async () => {
  const service = new Service();
  const held = await service.client().openHold("user-1", 200, "Summary", { ttlSeconds: 60 });
  const { seconds, wait } = waits(2);

  await held.keepOpen(wait);

  assert.deepEqual(seconds, [30, 30, 30]);
  assert.deepEqual(service.calls, ["holds", "extend", "extend"]);
});

test("a hold of an earlier try is extended at once", async () => {
  const service = new Service().will(ok(HOLD, { "idempotent-replayed": "true" }));
  const { seconds, wait } = waits(1);

  await (await service.client().openHold("user-1", 200, "Summary")).keepOpen(wait);

  assert.deepEqual(seconds, [0, 450]);
});

test("it says when it could not be extended, and tries again soon until the hold has ended", async (context) => {
  const warn = context.mock.method(console, "warn", () => undefined);
  const few = problem(409, "insufficient_credits", { balance: 1, held: 0, available: 1 });
  const service = new Service().will(ok(HOLD), few, problem(409, "hold_ended", ENDED));
  const held = await service.client().openHold("user-1", 200, "Summary", { ttlSeconds: 60 });
  const { seconds, wait } = waits(9);

  await held.keepOpen(wait);

  assert.deepEqual(seconds, [30, 6]);
  assert.ok(held.extensionError instanceof ApiError && held.extensionError.problem.code === "hold_ended");
  assert.equal(warn.mock.callCount(), 2);
});

test("a key that leaves no room for a capture's own is refused", async () => {
  const service = new Service();

  await assert.rejects(service.client().openHold("user-1", 200, "Summary", { key: "x".repeat(201) }), RangeError);

  assert.deepEqual(service.requests, []);
});
