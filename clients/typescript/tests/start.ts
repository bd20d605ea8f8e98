/** Start a process of a service, which worker.ts is. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const WORKER = fileURLToPath(new URL("worker.js", import.meta.url));

export interface Worked {
  /** Whether it was killed, as its arguments said. */
  isKilled: boolean;
  /** How many captures were taken. */
  taken: number;
}

/** Resolves when it has ended, by itself or by its kill -9. */
export async function start(action: "capture" | "replay", url: string, journal: string, killAt: string): Promise<Worked> {
  const child = spawn(process.execPath, [WORKER, action, url, journal, killAt], { stdio: ["ignore", "pipe", "inherit"] });
  const [printed, [code, signal]] = await Promise.all([text(child.stdout), once(child, "close")]);
  assert.ok(signal === "SIGKILL" || code === 0, `the process ended with ${code ?? signal}`);
  return { isKilled: signal === "SIGKILL", taken: Number(printed) };
}
