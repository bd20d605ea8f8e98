/** Captures whose outcome is not known survive the process, and are sent again once, with their key, when it is time. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, mock, test, type TestContext } from "node:test";

import { ApiError, CapturePending, Journal, NoAnswer, type Topup, TopupError } from "../src/index.js";
import { type Answer, busy, gateway, HOLD, ok, page, problem, RECEIPT, Service, silence } from "./service.js";

/** Seconds: twice the time-out. */
const LEASE = 70;
const ENDED = { state: "expired", captured: 0, shortfall: 0 };
const BODY = '{"amount":130,"final":true}';

let service: Service;
let journal: string;
let logged: string;

beforeEach((context) => {
  service = new Service();
  journal = mkdtempSync(join(tmpdir(), "topup-journal-"));
  logged = "";
  const error = mock.method(console, "error", (...parts: unknown[]) => void (logged += `${parts.join(" ")}\n`));
  (context as TestContext).after(() => {
    error.mock.restore();
    rmSync(journal, { recursive: true });
  });
});

const client = (attempts = 5) => service.client(attempts, { journal });

async function capture(by: Topup, key = "job-7", amount = 130): Promise<number> {
  return by.hold("user-1", 200, "Summary", { key }, async (hold) => (await hold.capture(amount)).amount_captured);
}

/** Captures that got no answer, from a process that has ended. */
async function leavePending(...keys: string[]): Promise<void> {
  for (const key of keys) {
    service.will(ok(HOLD), silence);
    await assert.rejects(capture(client(1), key), CapturePending);
    service.now += 1;
  }
  service.requests.length = 0;
}

async function thrown(promise: Promise<unknown>): Promise<TopupError> {
  const error = await promise.then(() => assert.fail("it succeeded"), (reason: unknown) => reason);
  assert.ok(error instanceof TopupError, String(error));
  return error;
}

const waiting = (by: Topup) => by.journal!.waiting();
const keys = () => service.requests.map(({ key }) => key);
const files = (...parts: string[]) =>
  readdirSync(join(journal, ...parts), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** The file of the record whose capture has this key. */
function recordOf(key: string): string {
  const found = files("pending").find((file) => readFileSync(file, "utf8").includes(`"${key}:capture-1"`));
  assert.ok(found, `no record of ${key}`);
  return found;
}

// ------------------------------------------------------------------------------------------------------ what is kept

test("a capture that was taken leaves nothing", async () => {
  assert.equal(await capture(client()), 130);
  assert.equal(await waiting(client()), 0);
  assert.deepEqual(readdirSync(join(journal, "pending")), []);
  assert.deepEqual(readdirSync(join(journal, "unfinished")), []);
});

test("a capture that was refused is thrown, and leaves nothing", async () => {
  service.will(ok(HOLD), problem(409, "hold_ended", ENDED));

  const error = await thrown(capture(client()));

  assert.ok(error instanceof ApiError && error.problem.code === "hold_ended");
  assert.equal(await waiting(client()), 0);
});

const unknown: Record<string, Answer> = {
  busy: busy(),
  "the gateway's 429": gateway(429),
  "the gateway's 404": gateway(404),
  internal_error: problem(500, "internal_error"),
  unauthorized: problem(401, "unauthorized"),
  forbidden: problem(403, "forbidden"),
  no_such_address: problem(404, "no_such_address"),
  "no answer": silence,
  "a proxy's page with 200": page(200),
  "JSON that is no receipt": ok({ received: true }),
  "the receipt of another hold": ok({ ...RECEIPT, hold_id: "another" }),
  "a conflict without a problem document": () => Response.json({ error: "conflict" }, { status: 409 }),
};
for (const [name, answer] of Object.entries(unknown)) {
  test(`a capture whose outcome is not known is kept, and its hold too: ${name}`, async () => {
    service.will(ok(HOLD), answer);

    const error = await thrown(capture(client(1)));

    assert.ok(error instanceof CapturePending);
    assert.equal(error.key, "job-7:capture-1");
    assert.ok(error.cause instanceof TopupError);
    assert.equal(await waiting(client()), 1);
    assert.deepEqual(service.calls, ["holds", "capture"]);
  });
}

test("it is noted before it is sent", async () => {
  const noted: number[] = [];
  service.whileAnswering = async () => void noted.push(await waiting(client()));

  await capture(client());

  assert.deepEqual(noted, [0, 1]);
});

test("a second chunk has a key of its own while the first is pending", async () => {
  service.will(ok(HOLD), silence);

  await client(1).hold("user-1", 200, "Summary", { key: "job-7" }, async (hold) => {
    await assert.rejects(hold.capture(10, { final: false }), CapturePending);
    await hold.capture(10, { final: false });
  });

  assert.deepEqual(service.keys("capture"), ["job-7:capture-1", "job-7:capture-2"]);
  assert.equal(service.calls.at(-1), "capture");
});

test("a journal that cannot be written does not keep a capture from being sent", async () => {
  const broken = client();
  rmSync(join(journal, "unfinished"), { recursive: true });

  assert.equal(await capture(broken), 130);
  assert.match(logged, /cannot be used/);
  service.will(ok(HOLD), silence);
  assert.ok((await thrown(capture(service.client(1)))) instanceof NoAnswer);
});

test("a journal whose place is a file is refused at once", () => {
  writeFileSync(join(journal, "captures.db"), "");

  assert.throws(() => service.client(1, { journal: join(journal, "captures.db") }), /captures\.db/);
});

// ----------------------------------------------------------------------------------------------------------- replays

test("after a restart it is sent again with the same key and body", async () => {
  await leavePending("job-7");

  const replayed = await client().replayCaptures();

  assert.deepEqual(replayed.taken.map((receipt) => receipt.amount_captured), [130]);
  assert.deepEqual([replayed.waiting, replayed.setAside], [0, []]);
  const [request] = service.requests;
  assert.equal(request?.url, `https://topup.test/api/users/credits/holds/${HOLD.hold_id}/capture`);
  assert.deepEqual([request.key, request.body], ["job-7:capture-1", BODY]);
});

test("what a killed process was sending is sent again once it cannot be under way", async () => {
  await client().journal!.begin({ holdId: HOLD.hold_id, key: "job-7:capture-1", body: BODY }); // then it is killed

  service.now += LEASE * 1000 - 1;
  assert.equal((await client().replayCaptures()).waiting, 1);
  service.now += 1;
  assert.equal((await client().replayCaptures()).taken.length, 1);
  assert.deepEqual(keys(), ["job-7:capture-1"]);
});

test("it is never sent before the service allows it", async () => {
  service.will(ok(HOLD), busy("120"));
  await assert.rejects(capture(client()), CapturePending);
  service.requests.length = 0;

  service.now += 119_000;
  assert.equal((await client().replayCaptures()).waiting, 1);
  await assert.rejects(capture(client()), CapturePending); // nor by a job that begins again
  assert.deepEqual(service.calls, ["holds"]);
  service.now += 1_000;
  assert.equal((await client().replayCaptures()).taken.length, 1);
});

test("a job that begins again sends it when it is due", async () => {
  await leavePending("job-7");

  assert.equal(await capture(client()), 130);

  assert.deepEqual(service.keys("capture"), ["job-7:capture-1"]);
  assert.equal(await waiting(client()), 0);
});

test("what a job that begins again sends is what is sent from then on", async () => {
  await leavePending("job-7");
  service.will(ok(HOLD), silence);
  await assert.rejects(capture(client(1), "job-7", 140), CapturePending);

  const { taken } = await client().replayCaptures();

  assert.deepEqual(taken.map((receipt) => receipt.amount_captured), [140]);
  assert.equal(await waiting(client()), 0);
});

test("a replay that is told to wait waits too", async () => {
  await leavePending("job-7");
  service.will(busy("50"));

  assert.equal((await client().replayCaptures()).waiting, 1);
  service.now += 49_000;
  assert.equal((await client().replayCaptures()).waiting, 1);
  assert.equal(service.requests.length, 1);
  service.now += 1_000;
  assert.equal((await client().replayCaptures()).waiting, 0);
});

for (const asked of ["172800", "9".repeat(25)]) {
  test("a replay waits no longer than an hour", async () => {
    await leavePending("job-7");
    service.will(busy(asked));
    assert.equal((await client().replayCaptures()).waiting, 1);

    service.now += 3_600_000 - 1;
    assert.equal((await client().replayCaptures()).waiting, 1);
    service.now += 1;
    assert.equal((await client().replayCaptures()).waiting, 0);
  });
}

test("two that replay it at once send it once", async () => {
  const jobs = [...Array(6).keys()].map((number) => `job-${number}`);
  await leavePending(...jobs);

  const replayed = await Promise.all([client().replayCaptures(), client().replayCaptures()]);

  assert.equal(replayed.flatMap(({ taken }) => taken).length, jobs.length);
  assert.deepEqual(keys().sort(), jobs.map((job) => `${job}:capture-1`));
});

test("of two that begin the same capture at once one sends it", async () => {
  const jobs = [capture(client()), capture(client())];
  const ended = jobs.map((job) => job.catch(() => undefined));
  // Whoever sends it has no answer before the other has ended.
  service.whileAnswering = async (call) => void (call === "capture" && (await Promise.race(ended)));
  const outcomes = await Promise.allSettled(jobs);

  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  const [refused] = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.ok(refused?.reason instanceof CapturePending);
  assert.equal(service.keys("capture").length, 1);
});

test("a capture that another process has sent meanwhile is not repeated", async () => {
  await client().journal!.begin({ holdId: HOLD.hold_id, key: "job-7:capture-1", body: "{}" });
  const mine = client(1);
  mine.journal!.has = async () => false;

  await mine.hold("user-1", 200, "Summary", { key: "job-7" }, async (hold) => {
    await assert.rejects(hold.capture(10, { final: false }), CapturePending);
    await hold.capture(10, { final: false });
  });

  assert.deepEqual(service.keys("capture"), ["job-7:capture-2"]);
});

test("what somebody deletes while what was set aside is read is left out", async () => {
  mkdirSync(join(journal, "set-aside"));
  symlinkSync("nowhere", join(journal, "set-aside", "deleted.json"));

  assert.deepEqual((await client().replayCaptures()).setAside, []);
});

test("while one sends it another does not", async () => {
  await leavePending("job-7");
  const seen: number[] = [];
  service.whileAnswering = async () => {
    service.whileAnswering = async () => undefined;
    seen.push((await client().replayCaptures()).waiting);
  };

  await client().replayCaptures();

  assert.deepEqual(seen, [1]);
  assert.equal(service.requests.length, 1);
});

test("what is put back may be sent by another before it is on the disk", async (context) => {
  const turn = await client().journal!.begin({ holdId: HOLD.hold_id, key: "job-7:capture-1", body: BODY });
  const open = promises.open.bind(promises);
  const opened = context.mock.method(promises, "open", async (...given: Parameters<typeof open>) => {
    opened.mock.restore();
    syncBuiltinESMExports();
    assert.equal((await client().replayCaptures()).taken.length, 1);
    return open(...given);
  });
  syncBuiltinESMExports();

  await client().journal!.postpone(turn);

  assert.equal(await waiting(client()), 0);
});

test("one whose time is over leaves the record to who has taken it", async () => {
  const first = client().journal!;
  const turn = await first.begin({ holdId: HOLD.hold_id, key: "job-7:capture-1", body: BODY });
  service.now += LEASE * 1000;
  for await (const taken of client().journal!.takeDue()) assert.deepEqual(taken.capture, turn.capture);

  await first.postpone(turn);
  await first.end(turn);

  assert.equal((await client().replayCaptures()).waiting, 1);
  assert.deepEqual(service.requests, []);
});

test("it is sent with the API key of now, and none is stored", async () => {
  service.will(ok(HOLD), problem(401, "unauthorized"));
  const error = await thrown(capture(service.client(5, { journal, apiKey: "the-key-of-then" })));
  assert.ok(error.cause instanceof ApiError && error.cause.problem.code === "unauthorized");
  assert.ok(files().every((file) => !readFileSync(file, "utf8").includes("the-key-of")));

  const replayed = await service.client(5, { journal, apiKey: "the-key-of-now" }).replayCaptures();

  assert.equal(replayed.taken.length, 1);
  assert.equal(service.requests.at(-1)?.apiKey, "the-key-of-now");
});

const replaced = (from: string, to: string) => (file: string) => {
  writeFileSync(file, readFileSync(file, "utf8").replace(from, to));
};
const corruptions: Record<string, (file: string) => void> = {
  "another amount": replaced("130", "930"),
  "another hold": replaced(HOLD.hold_id, "another"),
  "another key": replaced("job-7:", "job-9:"),
  "no digest": replaced("digest", "other"),
  "half a file": (file) => writeFileSync(file, readFileSync(file).subarray(0, 50)),
  "an empty file": (file) => writeFileSync(file, ""),
  "bytes that are no text": (file) => writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00])),
  "no object": (file) => writeFileSync(file, "null"),
  "another's place": (file) => {
    const elsewhere = join(journal, "pending", "elsewhere");
    mkdirSync(elsewhere);
    renameSync(file, join(elsewhere, "1.json"));
  },
  "a file in place of a directory": (file) => {
    rmSync(join(file, ".."), { recursive: true });
    writeFileSync(join(file, ".."), "lost+found");
  },
};
for (const [name, corrupt] of Object.entries(corruptions)) {
  test(`a corrupt record is set aside and reported, and the others are sent: ${name}`, async () => {
    await leavePending("job-7", "job-8");
    const file = recordOf("job-7");
    corrupt(file);

    const replayed = await client().replayCaptures();

    assert.deepEqual(keys(), ["job-8:capture-1"]);
    const [aside, ...others] = replayed.setAside;
    assert.ok(aside && others.length === 0);
    assert.match(aside.reason, /corrupt/);
    assert.deepEqual([aside.capture, readdirSync(join(journal, "pending"))], [undefined, []]);
    assert.deepEqual([replayed.taken.length, replayed.waiting], [1, 0]);
    assert.match(logged, /set aside/);
    assert.deepEqual((await client().replayCaptures()).setAside, [aside]);
  });
}

test("a corrupt record is kept as it was found", async () => {
  await leavePending("job-7");
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);
  writeFileSync(recordOf("job-7"), bytes);

  const { setAside } = await client().replayCaptures();

  assert.deepEqual(readFileSync(setAside[0]!.file), bytes);
});

test("a record whose name has lost its time is due", async () => {
  await leavePending("job-7");
  const file = recordOf("job-7");
  renameSync(file, join(file, "..", "copy of a record"));

  assert.equal((await client().replayCaptures()).taken.length, 1);
});

test("a capture after the hold's end is taken as late", async () => {
  await leavePending("job-7");
  service.will(ok({ ...RECEIPT, late: true, amount_captured: 100, shortfall: 30, status: "expired" }));

  const [receipt] = (await client().replayCaptures()).taken;

  assert.deepEqual([receipt?.late, receipt?.amount_captured, receipt?.shortfall], [true, 100, 30]);
});

test("a capture that comes too late is set aside and reported", async () => {
  await leavePending("job-7", "job-8");
  service.will(problem(409, "hold_ended", ENDED));

  const replayed = await client().replayCaptures();

  const [aside] = replayed.setAside;
  assert.equal(aside?.capture?.key, "job-7:capture-1");
  assert.equal((JSON.parse(aside.capture.body) as { amount: number }).amount, 130);
  assert.match(aside.reason, /hold_ended/);
  assert.match(logged, /set aside/);
  assert.deepEqual([replayed.taken.length, replayed.waiting], [1, 0]);
  assert.deepEqual((await client().replayCaptures()).setAside, [aside]);
});

for (const [name, answer] of Object.entries({ "no answer": silence, unauthorized: problem(401, "unauthorized") })) {
  test(`a replay ends when the service does not answer: ${name}`, async () => {
    await leavePending("job-7", "job-8");
    service.will(answer);

    const replayed = await client().replayCaptures();

    assert.deepEqual([replayed.taken, replayed.waiting], [[], 2]);
    assert.equal(service.requests.length, 1);
    assert.equal((await client().replayCaptures()).taken.length, 2);
  });
}

test("a retry that finds it in the hands of a replay leaves it there", async () => {
  service.will(ok(HOLD), busy("3"));
  const another = new Journal(journal, LEASE, () => service.now);
  const wait = service.sleep.bind(service);
  service.sleep = async (seconds) => {
    await wait(seconds);
    await another.takeDue().next();
  };

  await assert.rejects(capture(client()), CapturePending);

  assert.deepEqual(service.calls, ["holds", "capture"]);
});

test("two users may have the same key", async () => {
  await leavePending("job-7");
  service.will(ok({ ...HOLD, hold_id: "another" }), silence);

  await assert.rejects(capture(client(1)), CapturePending);

  assert.equal(await waiting(client()), 2);
});

test("a client without a journal has nothing to replay", async () => {
  await assert.rejects(service.client().replayCaptures(), /no journal/);
});
