/** Repeat a request that may succeed later, where the contract allows it: with its key, never before `Retry-After`. */
import { setTimeout as timer } from "node:timers/promises";

import type { Fetch } from "./answers.js";
import { TopupError } from "./errors.js";

/** How often a request is sent, and how long a caller is kept waiting between two attempts, in seconds. */
export interface Retries {
  attempts: number;
  /** If the service asks for more, its error is thrown at once. */
  longestWait: number;
  sleep: (seconds: number) => Promise<unknown>;
  /** Between 0 and 1: clients that failed together must not come back together. */
  jitter: () => number;
}

export const RETRIES: Retries = {
  attempts: 5,
  longestWait: 30,
  sleep: (seconds) => timer(seconds * 1000),
  jitter: Math.random,
};

/** These act once without an Idempotency-Key: what they end is ended once, and each spend of a batch has its own key. */
const SAFE_WITHOUT_KEY = /\/(cancel|release|refund\/quote|spend\/batch)$/;

/** A fetch that sends a request until it is answered; throws the TopupError of the last attempt. */
export function retrying(send: Fetch, retries: Retries): Fetch {
  return async (request) => {
    let inDoubt = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(request);
      } catch (error) {
        if (!(error instanceof TopupError)) throw error;
        // An earlier attempt may have acted, whatever is wrong with this one.
        error.mayHaveActed ||= inDoubt && !error.isRefusal;
        inDoubt = error.mayHaveActed;
        const wait = waitAfter(error, attempt, retries);
        if (attempt >= retries.attempts || wait > retries.longestWait || !mayRepeat(request, error)) throw error;
        await retries.sleep(wait);
      }
    }
  };
}

/** How many seconds to wait after this attempt (1, 2, …): longer each time. */
function waitAfter(error: TopupError, attempt: number, { longestWait, jitter }: Retries): number {
  if (error.retryAfter !== undefined) return error.retryAfter + jitter();
  return (Math.min(2 ** (attempt - 2), longestWait) * (1 + jitter())) / 2;
}

/** Whether sending the same request again may help, and cannot act twice. */
function mayRepeat(request: Request, error: TopupError): boolean {
  const isSafe =
    request.method === "GET" ||
    request.headers.has("idempotency-key") ||
    SAFE_WITHOUT_KEY.test(new URL(request.url).pathname);
  return error.isTemporary && (isSafe || !error.mayHaveActed);
}
