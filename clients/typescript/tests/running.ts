/** The client and a running stack, which `make test-clients` starts: prints what became of each request. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApiError, CapturePending, type Fetch, Topup } from "../src/index.js";
import { start } from "./start.js";

const { API_URL, API_KEY, USER_ID } = process.env as Record<"API_URL" | "API_KEY" | "USER_ID", string>;
const client = new Topup(API_URL, { apiKey: API_KEY });
/** A service whose captures are taken, and whose answers to them are lost the first time. */
let losses = 1;
const unlucky = new Topup(API_URL, {
  apiKey: API_KEY,
  retries: { sleep: async () => undefined },
  fetch: async (request) => {
    const response = await fetch(request);
    if (request.url.endsWith("/capture") && losses-- > 0) throw new TypeError("the answer is lost");
    return response;
  },
});

const begun = (await client.credits(USER_ID)).balance;
const spent = async () => begun - (await client.credits(USER_ID)).balance;
const results: Record<string, unknown> = {};

results["held"] = await client.hold(USER_ID, 200, "Summary", { key: "ts-1" }, async (hold) => {
  const { held } = await client.credits(USER_ID);
  await hold.capture(130);
  return held;
});
results["after the hold"] = [await spent(), (await client.credits(USER_ID)).held];
results["answer lost"] = await unlucky.hold(USER_ID, 50, "Summary", { key: "ts-2" }, (hold) => hold.capture(20)).then(
  (receipt) => receipt.amount_captured,
);
results["after the loss"] = await spent();
results["released"] = await client.hold(USER_ID, 50, "Summary", { key: "ts-3" }, async (hold) => {
  await hold.extend({ ttlSeconds: 1_800, add: 10 });
  return hold.receipt.held;
});
results["after the release"] = [await spent(), (await client.credits(USER_ID)).held];
results["too few"] = await client.spend(USER_ID, 1_000_000, "Too much", { key: "ts-4" }).catch((error: unknown) =>
  error instanceof ApiError && error.problem.code === "insufficient_credits" ? begun - error.problem.available : error,
);

// ----------------------------------------------------------------------------------------------------------- journal

const journal = mkdtempSync(join(tmpdir(), "topup-journal-"));
/** A service that has been restarted. */
const restarted = () => new Topup(API_URL, { apiKey: API_KEY, journal });
const lost: Fetch = async () => {
  throw new TypeError("fetch failed");
};
const withdrawn: Fetch = async (request) => {
  request.headers.set("x-api-key", "a-key-that-was-withdrawn");
  return fetch(request);
};

/** A capture that is not answered: `send` is what becomes of it. */
async function leavePending(key: string, amount: number, send = lost): Promise<void> {
  const service = new Topup(API_URL, {
    apiKey: API_KEY,
    journal,
    retries: { attempts: 1 },
    fetch: (request) => (request.url.endsWith("/capture") ? send(request) : fetch(request)),
  });
  const work = service.hold(USER_ID, amount, "Summary", { key }, (hold) => hold.capture(amount));
  await work.then(
    () => Promise.reject(new Error("it was answered")),
    (error: unknown) => (error instanceof CapturePending ? undefined : Promise.reject(error)),
  );
}

/** Move the stack's time forward. */
async function moveClock(seconds: number): Promise<void> {
  const body = JSON.stringify({ advance_seconds: seconds });
  const { ok } = await fetch(`${API_URL}/_local/clock`, { method: "POST", body });
  if (!ok) throw new Error("the clock was not moved");
}

await leavePending("ts-5", 10, withdrawn);
results["a refused API key"] = [(await restarted().replayCaptures()).taken.length, await spent()];

for (const [index, amount] of [1, 2, 3].entries()) await leavePending(`ts-6-${index}`, amount);
const both = await Promise.all([1, 2].map(() => start("replay", API_URL, journal, "")));
results["two processes that replay"] = [both.reduce((sum, { taken }) => sum + taken, 0), await spent()];

const killed = await start("capture", API_URL, journal, "answer");
const early = await restarted().replayCaptures(); // as far as anybody knows, it is still under way
const later = restarted();
later.journal!.clock = () => Date.now() + 120_000;
results["a killed process"] = [killed.isKilled, early.waiting, (await later.replayCaptures()).taken.length, await spent()];

await leavePending("ts-7", 4);
await moveClock(3_600);
const [late] = (await restarted().replayCaptures()).taken;
results["after the hold's end"] = [late?.late, late?.amount_captured, await spent()];

await leavePending("ts-8", 5);
await moveClock(2 * 86_400);
const { setAside, waiting } = await restarted().replayCaptures();
results["a day later"] = [setAside.map(({ reason }) => reason.includes("hold_ended")), waiting, await spent()];
console.log(JSON.stringify(results));
