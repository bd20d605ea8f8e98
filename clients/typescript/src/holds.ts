/** A hold that lasts as long as the work, and frees what the work has not used. */
import { randomUUID } from "node:crypto";
import { setTimeout as timer } from "node:timers/promises";

import { isPending } from "./captures.js";
import { ApiError, CapturePending, TopupError } from "./errors.js";
import type { Rest } from "./index.js";
import type { Journal } from "./journal.js";
import type { components } from "./schema.js";

type Schemas = components["schemas"];
type Captured = { final?: boolean; description?: string; metadata?: Record<string, string> };
/** Resolves after so many seconds; rejects when the signal ends it. */
export type Wait = (seconds: number, signal: AbortSignal) => Promise<unknown>;

/** Characters; the API takes 255, and a capture's key is this one with its number. */
export const LONGEST_KEY = 200;

const waitInReal: Wait = (seconds, signal) => timer(seconds * 1000, undefined, { signal, ref: false });

/** Credits that are reserved. `Topup.hold` extends it while the work runs, and releases it at the end. */
export class Hold {
  /** Why it could not be extended, as long as that is so: from `endsAt` on nothing is reserved any more. */
  extensionError: TopupError | undefined = undefined;
  #captures = 0;
  #isOver = false;
  /** The keys of captures that may have been taken. */
  readonly #unknown = new Set<string>();
  /** What the caller asked for in the one that he is to repeat, and what was sent for it. */
  #repeatable: string | undefined = undefined;
  #sent: Schemas["CaptureBody"] = { amount: 0 };
  readonly #workIsDone = new AbortController();

  constructor(
    private readonly rest: Rest,
    public receipt: Schemas["HoldReceipt"],
    private readonly key: string,
    private readonly ttlSeconds: number,
    /** Whether all of `ttlSeconds` is ahead; a hold of an earlier try may end at any moment. */
    private isNew: boolean,
    private readonly journal: Journal | undefined,
  ) {}

  get id(): string {
    return this.receipt.hold_id;
  }

  get endsAt(): Date {
    return new Date(this.receipt.ends_at);
  }

  /**
   * Take what was used. A final capture frees the rest; with `final: false` more may follow.
   *
   * While the outcome of an earlier capture is not known, a final one leaves the hold as it is: it may have to be taken
   * yet. Then the hold ends by itself.
   *
   * After an error that may have acted, the same call is the same request. With a journal such an error is
   * CapturePending instead: do not call again.
   */
  async capture(amount: number, { final = true, ...more }: Captured = {}): Promise<Schemas["CaptureReceipt"]> {
    if (final) this.#workIsDone.abort();
    const asked = JSON.stringify({ amount, final, ...more });
    if (asked !== this.#repeatable) {
      this.#captures += 1;
      this.#sent = { amount, final: final && this.#unknown.size === 0, ...more };
    }
    const body = this.#sent;
    const key = `${this.key}:capture-${this.#captures}`;
    this.#unknown.add(key); // now: whatever ends the work while it is sent must not release the hold
    try {
      const { data } = await this.rest.POST("/api/users/credits/holds/{hold_id}/capture", {
        params: { path: { hold_id: this.id }, header: { "Idempotency-Key": key } },
        body,
      });
      this.#settle(key);
      this.#isOver = body.final !== false;
      return data!;
    } catch (error) {
      // Pending, although the journal may have nothing of it any more: another process has sent it since.
      const isInJournal = error instanceof CapturePending || (await isPending(this.journal, this.id, key));
      const isUnknown = isInJournal || !(error instanceof TopupError) || error.mayHaveActed;
      if (!isUnknown) this.#unknown.delete(key);
      this.#repeatable = isUnknown && !isInJournal ? asked : undefined;
      throw isInJournal ? new CapturePending(key, { cause: error }) : error;
    }
  }

  #settle(key: string): void {
    this.#unknown.delete(key);
    this.#repeatable = undefined;
  }

  /** Let it last so long from now, and reserve `add` more. */
  async extend({ ttlSeconds = this.ttlSeconds, add = 0 } = {}): Promise<void> {
    const { data } = await this.rest.POST("/api/users/credits/holds/{hold_id}/extend", {
      params: { path: { hold_id: this.id }, header: { "Idempotency-Key": randomUUID() } },
      body: { ttl_seconds: ttlSeconds, add },
    });
    this.receipt = data!;
  }

  /** Free what is left; a hold that has ended stays as it is. */
  async release(): Promise<void> {
    try {
      const { data } = await this.rest.POST("/api/users/credits/holds/{hold_id}/release", {
        params: { path: { hold_id: this.id } },
      });
      this.receipt = data!;
    } catch (error) {
      if (!isOver(error)) throw error;
    }
    this.#isOver = true;
  }

  /** See that a hold of an earlier try is still there; throws the ApiError `hold_ended` if that try has released it. */
  async findAgain(): Promise<void> {
    if (this.isNew) return;
    try {
      await this.extend();
      this.isNew = true;
    } catch (error) {
      if (!(error instanceof TopupError)) throw error;
      // Of one that was captured the same captures are answered again; any other error is met again while the work runs.
      if (error instanceof ApiError && error.problem.code === "hold_ended" && error.problem.state === "released") throw error;
    }
  }

  /** The work has ended: free what is left, unless a capture may still have to be sent again, which needs the hold. */
  async end(): Promise<void> {
    this.#workIsDone.abort();
    if (this.#isOver || this.#unknown.size > 0) return;
    try {
      await this.release();
    } catch (error) {
      console.warn(`hold ${this.id} was not released, it ends at ${this.receipt.ends_at}: ${error}`);
    }
  }

  /** Extend the hold whenever half of its time is over, until the work has ended. */
  async keepOpen(wait: Wait = waitInReal): Promise<void> {
    const { signal } = this.#workIsDone;
    let pause = this.isNew ? this.ttlSeconds / 2 : 0;
    while (!signal.aborted) {
      try {
        await wait(pause, signal);
        await this.extend();
        this.extensionError = undefined;
        pause = this.ttlSeconds / 2;
      } catch (error) {
        if (signal.aborted || !(error instanceof TopupError)) return;
        this.extensionError = error;
        console.warn(`hold ${this.id} could not be extended, it ends at ${this.receipt.ends_at}: ${error}`);
        if (isOver(error)) return;
        pause = this.ttlSeconds / 10;
      }
    }
  }
}

function isOver(error: unknown): boolean {
  return error instanceof ApiError && ["hold_ended", "hold_not_found"].includes(error.problem.code);
}
