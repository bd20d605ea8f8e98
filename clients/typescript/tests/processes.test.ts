/** Real processes that share a journal: killed between any two steps, or replaying it at the same moment. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, mock, test } from "node:test";

import { CapturePending, type Replayed, Topup } from "../src/index.js";
import { start, type Worked } from "./start.js";
import { type Answer, busy, HOLD, ok, problem, RECEIPT } from "./service.js";

const LEASE = 70_000;

/** What the service has taken, by key, and which captures it was sent. */
const taken = new Map<string, number>();
const sent: string[] = [];
const underWay = new Set<string>();
/** How it answers captures instead of taking them. */
let answer: Answer | undefined;
let journal: string;
let url: string;

const server = createServer((request, response) => void serve(request, response));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const isCapture = request.url!.endsWith("/capture");
  const made = (isCapture ? (answer ?? take(String(request.headers["idempotency-key"]), body)) : ok(HOLD))();
  if (isCapture) await meanwhile(String(request.headers["idempotency-key"]));
  response.writeHead(made.status, Object.fromEntries(made.headers)).end(await made.text());
}

function take(key: string, body: string): Answer {
  const { amount } = JSON.parse(body) as { amount: number };
  if (!taken.has(key)) taken.set(key, amount);
  return ok({ ...RECEIPT, amount_captured: taken.get(key)! });
}

/** Whoever else is about to send the same capture has the time to do so. */
async function meanwhile(key: string): Promise<void> {
  sent.push(key);
  assert.ok(!underWay.has(key), `${key} was sent twice at the same moment`);
  underWay.add(key);
  await new Promise((resolve) => setTimeout(resolve, 20));
  underWay.delete(key);
}

before(async () => {
  mock.method(console, "error", () => undefined);
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => server.close());

beforeEach(() => reset());

function reset(): void {
  taken.clear();
  sent.length = 0;
  answer = undefined;
  journal = mkdtempSync(join(tmpdir(), "topup-journal-"));
  after(() => rmSync(journal, { recursive: true, force: true }));
}

function client(lateBy = 0, fetch = globalThis.fetch): Topup {
  const made = new Topup(url, { apiKey: "key-of-the-service", journal, retries: { attempts: 1 }, fetch });
  made.journal!.clock = () => Date.now() + lateBy;
  return made;
}

async function leavePending(...jobs: string[]): Promise<void> {
  const unreachable = client(0, (async (request: Request) => {
    if (request.url.endsWith("/capture")) throw new TypeError("fetch failed");
    return fetch(request);
  }) as typeof fetch);
  for (const key of jobs) {
    const pending = unreachable.hold("user-1", 200, "Summary", { key }, (hold) => hold.capture(130));
    await assert.rejects(pending, CapturePending);
  }
}

/** A process of the service that captures, or replays the journal. */
const run = (action: "capture" | "replay", killAt = 0): Promise<Worked> => start(action, url, journal, String(killAt));

/** Kill a process before its first step, its second, … until one lives to its end; check what each has left. */
async function killedAtEachStep(
  action: "capture" | "replay",
  prepare: () => Promise<void>,
  check: () => Promise<void>,
): Promise<number> {
  for (let stepNumber = 1; ; stepNumber++) {
    reset();
    await prepare();
    const { isKilled } = await run(action, stepNumber);
    await check();
    if (!isKilled) return stepNumber - 1;
  }
}

/** What a replay makes of it once nothing can be under way any more; nothing unfinished is left. */
async function replayed(lateBy = LEASE + 1_000): Promise<Replayed> {
  answer = undefined;
  const result = await client(lateBy).replayCaptures();
  assert.equal(result.waiting, 0);
  for (const part of ["pending", "unfinished"]) assert.deepEqual(readdirSync(join(journal, part)), []);
  return result;
}

test("a capture whose process is killed at any step is taken once it has been noted, and once in all", async () => {
  const steps = await killedAtEachStep("capture", async () => undefined, async () => {
    const noted = readdirSync(join(journal, "pending"), { recursive: true, withFileTypes: true });
    const isNoted = noted.some((entry) => entry.isFile());
    const wasTaken = taken.size;

    assert.equal((await replayed()).taken.length, isNoted ? 1 : 0);
    assert.equal(taken.size, isNoted ? 1 : wasTaken);

    // The job begins again: whoever asked for it has heard nothing.
    const job = client(LEASE + 1_000);
    await job.hold("user-1", 200, "Summary", { key: "job-7" }, (hold) => hold.capture(130));
    assert.deepEqual([...taken], [["job-7:capture-1", 130]]);
  });

  assert.ok(steps >= 8, `only ${steps} steps were counted`);
});

test("a replay that is killed at any step loses nothing", async () => {
  const steps = await killedAtEachStep("replay", () => leavePending("job-7", "job-8"), async () => {
    await replayed();
    assert.deepEqual([...taken.keys()].sort(), ["job-7:capture-1", "job-8:capture-1"]);
  });

  assert.ok(steps >= 6, `only ${steps} steps were counted`);
});

test("what is told to wait is kept, whenever its process is killed", async () => {
  await killedAtEachStep(
    "replay",
    async () => {
      await leavePending("job-7");
      answer = busy("120");
    },
    async () => {
      assert.equal(taken.size, 0);
      await replayed(LEASE + 121_000);
      assert.equal(taken.size, 1);
    },
  );
});

test("a capture that is refused is set aside once, whenever its process is killed", async () => {
  const refusal = problem(409, "hold_ended", { state: "expired", captured: 0, shortfall: 0 });
  await killedAtEachStep(
    "replay",
    async () => {
      await leavePending("job-7");
      answer = refusal;
    },
    async () => {
      answer = refusal;
      const result = await client(LEASE + 1_000).replayCaptures();
      assert.deepEqual(result.setAside.map(({ capture }) => capture?.key), ["job-7:capture-1"]);
      assert.match(result.setAside[0]!.reason, /hold_ended/);
      await replayed();
      assert.equal(taken.size, 0);
    },
  );
});

test("a corrupt record is set aside once, whenever its process is killed", async () => {
  await killedAtEachStep(
    "replay",
    async () => {
      await leavePending("job-7");
      const [id] = readdirSync(join(journal, "pending"));
      const [name] = readdirSync(join(journal, "pending", id!));
      writeFileSync(join(journal, "pending", id!, name!), "{");
    },
    async () => {
      const { setAside } = await replayed();
      assert.equal(setAside.length, 1);
      assert.match(setAside[0]!.reason, /corrupt/);
      assert.equal(taken.size, 0);
    },
  );
});

test("two processes that replay at once send each capture once", async () => {
  const jobs = [...Array(8).keys()].map((number) => `job-${number}`);
  await leavePending(...jobs);

  const both = await Promise.all([run("replay"), run("replay")]);

  assert.equal(both[0].taken + both[1].taken, jobs.length);
  assert.deepEqual(sent.sort(), jobs.map((job) => `${job}:capture-1`));
  assert.equal((await replayed()).taken.length, 0);
});

test("two processes that begin the same job at once take its capture once", async () => {
  await Promise.all([run("capture"), run("capture")]);

  assert.deepEqual([...taken], [["job-7:capture-1", 130]]);
});
