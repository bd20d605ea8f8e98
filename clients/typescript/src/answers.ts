/** Read answers: a success, or the error that it stands for. Whatever the contract does not describe is no answer. */
import { ApiError, GatewayError, NoAnswer, type Problem, TopupError, UnexpectedAnswer } from "./errors.js";

export type Fetch = (request: Request) => Promise<Response>;
type Fields = Record<string, unknown>;

const CAPTURE = /\/api\/users\/credits\/holds\/([^/]+)\/capture$/;
const GATEWAYS_OWN = [404, 413, 429, 431, 500, 503];

/** Send a request once. Returns what the contract calls a success, read to its end; throws TopupError. */
export async function sendOnce(request: Request, fetch: Fetch, timeoutSeconds: number): Promise<Response> {
  let response: Response;
  let body: string;
  const limit = new TimeLimit(request, timeoutSeconds);
  try {
    response = await limit.within(fetch(limit.request));
    body = await limit.within(response.text());
  } catch (error) {
    if (request.signal.aborted) throw error; // the caller has ended it
    throw new NoAnswer(`${request.method} ${request.url}: ${error}`, { cause: error });
  } finally {
    limit.clear();
  }
  const failure = failureOf(request, response, body);
  if (failure) {
    failure.retryAfter = retryAfter(response);
    throw failure;
  }
  const { status, headers } = response;
  return new Response(status === 304 ? null : body, { status, headers });
}

/**
 * Ends a request after so many seconds, or when its caller ends it.
 *
 * By a timer and a controller that something refers to: node 20 forgets the signals of AbortSignal.any and of a Request
 * that nothing refers to when it collects garbage, and then nothing ends the request.
 */
class TimeLimit {
  /** A copy, to be sent. */
  readonly request: Request;
  readonly #controller = new AbortController();
  readonly #over: Promise<never>;
  readonly clear: () => void;

  constructor(original: Request, seconds: number) {
    const { signal } = original;
    this.request = new Request(original.clone(), { signal: this.#controller.signal, redirect: "manual" });
    const end = (reason: unknown): void => this.#controller.abort(reason);
    const endedByCaller = (): void => end(signal.reason);
    const timer = setTimeout(() => end(new Error(`no answer within ${seconds} seconds`)), seconds * 1000);
    this.#over = new Promise((_, reject) => {
      this.#controller.signal.addEventListener("abort", () => reject(this.#controller.signal.reason));
    });
    this.#over.catch(() => undefined); // whoever waits within it is told
    if (signal.aborted) endedByCaller();
    signal.addEventListener("abort", endedByCaller);
    this.clear = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", endedByCaller);
    };
  }

  within<Result>(step: Promise<Result>): Promise<Result> {
    return Promise.race([step, this.#over]);
  }
}

export function captureAddress(holdId: string): string {
  return `/api/users/credits/holds/${holdId}/capture`;
}

/** The id of the hold that this request captures; undefined if it does something else. */
export function holdCapturedBy(request: Request): string | undefined {
  return CAPTURE.exec(new URL(request.url).pathname)?.[1];
}

function failureOf(request: Request, response: Response, body: string): TopupError | undefined {
  const { status } = response;
  if (status === 304) return undefined;
  const document = parsed(body);
  const type = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/json" && response.ok && isUnderstood(request, document)) return undefined;
  if (type === "application/problem+json" && isProblem(document, status)) return new ApiError(document);
  if (type === "application/json" && GATEWAYS_OWN.includes(status) && typeof document["message"] === "string") {
    return new GatewayError(status, document["message"]);
  }
  return new UnexpectedAnswer(`${status}, which the contract does not describe so: ${body.slice(0, 200)}`);
}

/** The body; {} if it is no JSON object, which no answer is. */
function parsed(body: string): Fields {
  try {
    const document: unknown = JSON.parse(body);
    return typeof document === "object" && document !== null && !Array.isArray(document) ? (document as Fields) : {};
  } catch {
    return {};
  }
}

function isProblem(document: Fields, status: number): document is Fields & Problem {
  const texts = ["type", "title", "detail", "code", "request_id"];
  return texts.every((name) => typeof document[name] === "string") && document["status"] === status && status >= 400;
}

/** Whether it is an answer at all; of a capture, whether it is a receipt for a capture of this hold. */
function isUnderstood(request: Request, document: Fields): boolean {
  const holdId = holdCapturedBy(request);
  if (holdId === undefined) return Object.keys(document).length > 0;
  const numbers = ["amount_captured", "captured", "shortfall", "balance_after", "available_after"];
  return (
    document["hold_id"] === holdId &&
    typeof document["late"] === "boolean" &&
    numbers.every((name) => Number.isInteger(document[name]))
  );
}

/** In seconds. The service sends a number; a proxy may send a date. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}
