/** The client and a running stack, which `make test-clients` starts: prints what became of each request. */
import { ApiError, Topup } from "../src/index.js";

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
console.log(JSON.stringify(results));
