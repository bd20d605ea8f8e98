/** A process of a service, for the tests that kill it: captures or replays, and prints how many captures were taken. */
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

import { CapturePending, Topup } from "../src/index.js";

const [action, url, journal, killAt] = process.argv.slice(2) as [string, string, string, string];
const { API_KEY: apiKey = "key-of-the-service", USER_ID: userId = "user-1" } = process.env;
/** How many steps are left: files that are changed, captures that are sent. */
let steps = Number(killAt);

function step<Arguments extends unknown[], Result>(run: (...given: Arguments) => Result) {
  return (...given: Arguments): Result => {
    steps -= 1;
    if (steps === 0) kill();
    return run(...given);
  };
}

function kill(): void {
  process.kill(process.pid, "SIGKILL");
}

async function send(request: Request): Promise<Response> {
  if (!request.url.endsWith("/capture")) return fetch(request);
  const response = await step(fetch)(request);
  if (killAt === "answer") kill();
  return response;
}

const client = new Topup(url, { apiKey, journal, retries: { attempts: 1 }, fetch: send });
for (const name of ["mkdir", "open", "rename", "rm", "rmdir", "unlink"] as const) {
  Object.assign(files, { [name]: step(files[name] as (...given: unknown[]) => unknown) });
}
syncBuiltinESMExports();

if (action === "capture") {
  const captured = client.hold(userId, 200, "Summary", { key: "job-7" }, (hold) => hold.capture(130));
  console.log(await captured.then(() => 1, (error) => (error instanceof CapturePending ? 0 : Promise.reject(error))));
} else {
  console.log((await client.replayCaptures()).taken.length);
}
