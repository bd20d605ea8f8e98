/** Captures through the journal: noted before they are sent, forgotten when their outcome is known, else sent again. */
import { type Fetch, holdCapturedBy } from "./answers.js";
import { TopupError } from "./errors.js";
import type { Capture, Journal, SetAside, Turn } from "./journal.js";
import type { components } from "./schema.js";

type CaptureReceipt = components["schemas"]["CaptureReceipt"];

/** The result of a replay of the journal. */
export interface Replayed {
  /** Late ones too: `late` says so, and `shortfall` what could not be taken. */
  taken: CaptureReceipt[];
  /** All that a person has to look at: what this replay and earlier ones have set aside. */
  setAside: SetAside[];
  /** How many captures are still not known. Replay them later. */
  waiting: number;
}

/**
 * A fetch that keeps each capture in the journal while its outcome is not known.
 *
 * If the journal cannot be written, captures are sent all the same. Throws CapturePending, without sending anything, for
 * a capture that another process is sending.
 */
export function journaling(send: Fetch, journal: Journal): Fetch {
  return async (request) => {
    const holdId = holdCapturedBy(request);
    const key = request.headers.get("idempotency-key");
    if (holdId === undefined || key === null) return send(request);
    const turn = await logged(journal.begin({ holdId, key, body: await request.clone().text() }));
    if (turn === undefined) return send(request);
    let response: Response;
    try {
      response = await send(request);
    } catch (error) {
      if (error instanceof TopupError) await logged(settle(journal, turn, error));
      throw error;
    }
    await logged(journal.end(turn));
    return response;
  };
}

/**
 * Send what is due, each capture once, with the key it had. `send` sends it with the credentials of now.
 *
 * Ends when an answer is still not known: the service seems to be down, and what is behind keeps its turn.
 */
export async function replay(journal: Journal, send: (capture: Capture) => Promise<Response>): Promise<Replayed> {
  const taken: CaptureReceipt[] = [];
  for await (const turn of journal.takeDue()) {
    try {
      const response = await send(turn.capture);
      await journal.end(turn);
      taken.push((await response.json()) as CaptureReceipt);
    } catch (error) {
      if (!(error instanceof TopupError)) throw error;
      if (!error.isRefusal) {
        await journal.postpone(turn, error.retryAfter);
        break;
      }
      await journal.setAside(turn, `the service refused it: ${error.message}`);
    }
  }
  return { taken, setAside: await journal.allSetAside(), waiting: await journal.waiting() };
}

/** Whether the journal will send this capture again. */
export async function isPending(journal: Journal | undefined, holdId: string, key: string): Promise<boolean> {
  return journal !== undefined && ((await logged(journal.has(holdId, key))) ?? false);
}

/** Forget a capture that was refused, of which the caller is told; keep any other. */
async function settle(journal: Journal, turn: Turn, error: TopupError): Promise<void> {
  await (error.isRefusal ? journal.end(turn) : journal.postpone(turn, error.retryAfter));
}

/** Log an error of the journal, and go on without its result. */
async function logged<Result>(step: Promise<Result>): Promise<Result | undefined> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof TopupError) throw error;
    console.error("the journal of captures cannot be used:", error);
    return undefined;
  }
}
