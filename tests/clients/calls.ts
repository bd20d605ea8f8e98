// Every kind of answer, through openapi-fetch and the types that openapi-typescript has made: prints the status and the
// gist of each, as calls.py does.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

type Given = Record<"API_URL" | "USER_TOKEN" | "ADMIN_TOKEN" | "API_KEY" | "PAYMENT_ID" | "USER_ID", string>;
const { API_URL, USER_TOKEN, ADMIN_TOKEN, API_KEY, PAYMENT_ID, USER_ID } = process.env as Given;
const MOST_OF_THE_GATEWAY = 10 * 1024 * 1024; // bytes

const asUser = createClient<paths>({ baseUrl: API_URL, headers: { authorization: `Bearer ${USER_TOKEN}` } });
const asAdmin = createClient<paths>({ baseUrl: API_URL, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
const asService = createClient<paths>({ baseUrl: API_URL, headers: { "x-api-key": API_KEY } });
const asBuyer = createClient<paths>({
  baseUrl: API_URL,
  headers: { authorization: `Bearer ${USER_TOKEN}`, "x-api-key": API_KEY },
});

type Result<T> = { data?: T; error?: { code: string } | { message: string }; response: Response };

/** The status, and an error's code or what was asked for. */
function gist<T>({ data, error, response }: Result<T>, value?: (data: T) => unknown): unknown[] {
  if (error !== undefined) return [response.status, "code" in error ? error.code : "gateway"];
  return [response.status, value?.(data as T)];
}

/** A client whose requests end at the gateway. */
function gateway(status: number) {
  const answer = () => Promise.resolve(Response.json({ message: "as API Gateway says it" }, { status }));
  return createClient<paths>({ baseUrl: API_URL, fetch: answer });
}

const create = (name: string, client = asBuyer) =>
  client.POST("/api/payments/stripe/create", {
    params: { header: { "Idempotency-Key": "k" } },
    body: { package: name },
  });
const spend = (amount: number, key: string) =>
  asService.POST("/api/users/credits/spend", {
    params: { header: { "Idempotency-Key": key } },
    body: { user_id: USER_ID, amount, description: "Translation" },
  });
const payment = (id: string) => asUser.GET("/api/payments/{payment_id}", { params: { path: { payment_id: id } } });
const refund = { payment_id: PAYMENT_ID, amount: 25, reason: "Customer request" };

const created = await create("trial");
const repeated = await create("trial");
const pending = await payment(created.data!.payment_id);
const paid = await payment(PAYMENT_ID);
const spent = await spend(25, "job-7");
const refused = await spend(5_000, "job-8");
// An error is narrowed by its code: only this one has a balance.
const balance = refused.error && "code" in refused.error && refused.error.code === "insufficient_credits"
  ? refused.error.balance
  : undefined;
const refunded = await asAdmin.POST("/api/payments/stripe/refund", {
  params: { header: { "Idempotency-Key": "t-1" } },
  body: refund,
});
const page = await asUser.GET("/api/payments", { params: { query: { limit: 1 } } });
const next = await asUser.GET("/api/payments", {
  params: { query: { limit: 1, cursor: page.data!.next_cursor! } },
});
const transactions = await asUser.GET("/api/users/credits/transactions");
const badToken = { headers: { authorization: "Bearer x.y.z" } };

const results: Record<string, unknown[]> = {
  packages: gist(await asUser.GET("/api/payments/packages"), ({ packages: { standard } }) =>
    standard && "credits" in standard ? standard.credits : null,
  ),
  created: gist(created, (made) => made.status),
  repeated: [repeated.response.status, repeated.response.headers.get("idempotent-replayed")],
  pending: gist(pending, (made) => made.status),
  paid: gist(paid, (made) => made.status),
  spent: gist(spent, (made) => made.balance_after),
  refunded: gist(refunded, (made) => made.credits_refunded),
  credits: gist(await asUser.GET("/api/users/credits"), (made) => made.balance),
  "first page": gist(page, (made) => made.payments.length),
  "next page": gist(next, (made) => made.payments[0]!.status),
  transactions: gist(transactions, (made) => made.transactions.map((row) => row.amount)),
  "too few credits": [...gist(refused), balance],
  "no such package": gist(await create("gold")),
  "another request": gist(await create("standard")),
  "no such payment": gist(await payment("00000000-0000-4000-8000-000000000000")),
  "no such address": gist(await payment("")),
  "no administrator": gist(await asUser.POST("/api/payments/stripe/refund", { body: refund })),
  "no valid token": gist(await asUser.GET("/api/users/credits", badToken)),
  "over 10 MB": gist(await create("x".repeat(MOST_OF_THE_GATEWAY))),
};
for (const status of [404, 413, 429, 431, 500, 503]) {
  results[`gateway ${status}`] = gist(await create("x", gateway(status)));
}
console.log(JSON.stringify(results));
