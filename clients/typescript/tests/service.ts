/** A service that answers as a test says, and keeps what it was sent. */
import { type Options, Topup } from "../src/index.js";

export const HOLD = {
  hold_id: "dcea3258-f813-5af6-886e-2f74be4e3f7e.dXNlci0x",
  user_id: "user-1",
  amount: 200,
  held: 200,
  captured: 0,
  shortfall: 0,
  status: "open",
  overrun: "available",
  ends_at: "2026-11-26T08:15:00Z",
  created_at: "2026-11-26T08:00:00Z",
  description: "Summary",
  metadata: {},
  available_after: 300,
};
export const RECEIPT = {
  ...HOLD,
  held: 0,
  captured: 130,
  status: "captured",
  transaction_id: "6b0fba60-3a94-5b5b-b1a3-4f0cbbbf92b8",
  amount_captured: 130,
  balance_after: 370,
  late: false,
};
const SPENT = { transaction_id: RECEIPT.transaction_id, amount: 25, balance_after: 475, available_after: 475 };

export type Answer = () => Response;

export const ok =
  (document: unknown, headers: Record<string, string> = {}): Answer =>
  () =>
    Response.json(document, { headers });

export function problem(status: number, code: string, more: object = {}, retryAfter?: string): Answer {
  const type = `urn:topup:problem:${code}`;
  const document = { type, title: "No", status, detail: "It did not work", code, request_id: "r-1", ...more };
  const headers = { "content-type": "application/problem+json", ...(retryAfter ? { "retry-after": retryAfter } : {}) };
  return () => new Response(JSON.stringify(document), { status, headers });
}

export const busy = (retryAfter = "3"): Answer => problem(503, "busy", {}, retryAfter);
export const gateway =
  (status: number): Answer =>
  () =>
    Response.json({ message: "as API Gateway says it" }, { status });
export const page =
  (status: number): Answer =>
  () =>
    new Response("<h1>Sign in</h1>", { status, headers: { "content-type": "text/html" } });
export const silence: Answer = () => {
  throw new TypeError("fetch failed");
};

/** Answers requests one by one as scripted, then with success; time passes when a client waits. */
export class Service {
  readonly requests: { url: string; call: string; key: string | null; apiKey: string | null; body: string }[] = [];
  readonly waits: number[] = [];
  /** Milliseconds, for journals; it passes when a client waits. */
  now = 1_000_000;
  whileAnswering: (call: string) => Promise<void> = async () => undefined;
  readonly script: Answer[] = [];

  will(...answers: Answer[]): this {
    this.script.push(...answers);
    return this;
  }

  client(attempts = 5, { apiKey = "key-of-the-service", journal }: Pick<Options, "apiKey" | "journal"> = {}): Topup {
    const client = new Topup("https://topup.test", {
      apiKey,
      ...(journal === undefined ? {} : { journal }),
      retries: { attempts, sleep: (seconds) => this.sleep(seconds), jitter: () => 0 },
      fetch: (request) => this.#answer(request),
    });
    if (client.journal) client.journal.clock = () => this.now;
    return client;
  }

  async sleep(seconds: number): Promise<void> {
    this.waits.push(seconds);
    this.now += seconds * 1000;
  }

  async #answer(request: Request): Promise<Response> {
    const { url, headers } = request;
    const call = new URL(url).pathname.split("/").at(-1)!;
    const [key, apiKey] = [headers.get("idempotency-key"), headers.get("x-api-key")];
    this.requests.push({ url, call, key, apiKey, body: await request.text() });
    await this.whileAnswering(call);
    const answer = this.script.shift() ?? ok(this.#success(call));
    return answer();
  }

  #success(call: string): unknown {
    if (call === "capture") {
      const { amount } = JSON.parse(this.requests.at(-1)!.body) as { amount: number };
      return { ...RECEIPT, amount_captured: amount, captured: amount };
    }
    return { spend: SPENT, release: { ...HOLD, held: 0, status: "released" } }[call] ?? HOLD;
  }

  get calls(): string[] {
    return this.requests.map(({ call }) => call);
  }

  keys(call: string): (string | null)[] {
    return this.requests.filter((request) => request.call === call).map(({ key }) => key);
  }
}
