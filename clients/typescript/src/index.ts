/** A client of Topup: prepaid credits, spent once whatever happens on the way. README.md has an example. */
import { randomUUID } from "node:crypto";

import createClient, { type Client } from "openapi-fetch";

import { captureAddress, type Fetch, sendOnce } from "./answers.js";
import { journaling, replay, type Replayed } from "./captures.js";
import { Hold, LONGEST_KEY } from "./holds.js";
import { type Capture, Journal } from "./journal.js";
import { RETRIES, type Retries, retrying } from "./retries.js";
import type { components, paths } from "./schema.js";

export type { Fetch } from "./answers.js";
export type { Replayed } from "./captures.js";
export {
  ApiError,
  CapturePending,
  GatewayError,
  NoAnswer,
  type Problem,
  TopupError,
  UnexpectedAnswer,
} from "./errors.js";
export { Hold } from "./holds.js";
export { type Capture, Journal, type SetAside, type Turn } from "./journal.js";
export type { Retries } from "./retries.js";
export type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Rest = Client<paths>;

/** The gateway answers within 30 seconds. */
const TIMEOUT = 35;

export interface Options {
  /** The service's. */
  apiKey?: string;
  /** A user's or an administrator's. */
  token?: string;
  /** The directory of the journal. */
  journal?: string;
  retries?: Partial<Retries>;
  timeoutSeconds?: number;
  fetch?: Fetch;
}

export interface HoldOptions {
  /** The number of your job: a job that begins again with it finds the hold that it has, and takes nothing twice. */
  key?: string;
  ttlSeconds?: number;
  overrun?: NonNullable<Schemas["HoldBody"]["overrun"]>;
  metadata?: Record<string, string>;
}

/** Topup's API for a service. Every method throws TopupError: an ApiError, a GatewayError, or NoAnswer. */
export class Topup {
  /** Every operation of the API, with the same retries and errors: `rest.GET("/api/payments", …)`. */
  readonly rest: Rest;
  readonly journal: Journal | undefined;
  /** Send a capture of the journal, once, with this client's credentials. */
  readonly #replay: (capture: Capture) => Promise<Response>;

  constructor(
    url: string,
    { apiKey, token, journal, retries, timeoutSeconds = TIMEOUT, fetch = globalThis.fetch }: Options,
  ) {
    const headers: Record<string, string> = {};
    if (apiKey !== undefined) headers["x-api-key"] = apiKey;
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    this.journal = journal === undefined ? undefined : new Journal(journal, 2 * timeoutSeconds);
    const once: Fetch = (request) => sendOnce(request, fetch, timeoutSeconds);
    const send = retrying(this.journal ? journaling(once, this.journal) : once, { ...RETRIES, ...retries });
    this.rest = createClient<paths>({ baseUrl: url, headers, fetch: send });
    this.#replay = ({ holdId, key, body }) => {
      const address = url.replace(/\/$/, "") + captureAddress(holdId);
      const own = { "content-type": "application/json", "idempotency-key": key };
      return once(new Request(address, { method: "POST", headers: { ...headers, ...own }, body }));
    };
  }

  /** What a user has: balance, held, available, debt, and when which credits expire. */
  async credits(userId: string): Promise<Schemas["Credits"]> {
    const { data } = await this.rest.GET("/api/users/{user_id}/credits", { params: { path: { user_id: userId } } });
    return data!;
  }

  /** Spend credits, once for each `key`: take the number of the job. */
  async spend(
    userId: string,
    amount: number,
    description: string,
    { key, ...more }: { key: string; metadata?: Record<string, string> },
  ): Promise<Schemas["SpendReceipt"]> {
    const { data } = await this.rest.POST("/api/users/credits/spend", {
      params: { header: { "Idempotency-Key": key } },
      body: { user_id: userId, amount, description, ...more },
    });
    return data!;
  }

  /**
   * Reserve credits while `work` runs: the hold is extended as long, and what is left is released afterwards.
   *
   * Throws the ApiError `hold_ended` before it runs if an earlier try with this key has released the hold: nothing could
   * be captured. A new try after a failure needs another key.
   */
  async hold<Result>(
    userId: string,
    amount: number,
    description: string,
    options: HoldOptions,
    work: (hold: Hold) => Promise<Result>,
  ): Promise<Result> {
    const hold = await this.openHold(userId, amount, description, options);
    await hold.findAgain();
    void hold.keepOpen();
    try {
      return await work(hold);
    } finally {
      await hold.end();
    }
  }

  /** Reserve credits; the caller extends and releases the hold. */
  async openHold(userId: string, amount: number, description: string, options: HoldOptions = {}): Promise<Hold> {
    const { key = randomUUID(), ttlSeconds = 900, ...more } = options;
    if (key.length > LONGEST_KEY) throw new RangeError(`the key of a hold has at most ${LONGEST_KEY} characters`);
    const { data, response } = await this.rest.POST("/api/users/credits/holds", {
      params: { header: { "Idempotency-Key": key } },
      body: { user_id: userId, amount, description, ttl_seconds: ttlSeconds, ...more },
    });
    return new Hold(this.rest, data!, key, ttlSeconds, !response.headers.has("idempotent-replayed"), this.journal);
  }

  /** Send the journal's captures that are due: call it at the start, and every minute or so. */
  async replayCaptures(): Promise<Replayed> {
    if (this.journal === undefined) throw new TypeError("this client has no journal");
    return replay(this.journal, this.#replay);
  }
}
