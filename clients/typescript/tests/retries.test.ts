/** What is sent again, when, and with which key. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, GatewayError, NoAnswer, type Topup, TopupError, UnexpectedAnswer } from "../src/index.js";
import { busy, gateway, ok, page, problem, Service, silence } from "./service.js";

const spend = (client: Topup) => client.spend("user-1", 25, "Translation", { key: "job-7" });
const refund = (client: Topup) =>
  client.rest.POST("/api/payments/stripe/refund", {
    body: { payment_id: "f47ac10b-58cc-4372-a567-0e02b2c3d479", reason: "Customer request" },
  });

async function thrown(promise: Promise<unknown>): Promise<TopupError> {
  const error = await promise.then(() => assert.fail("it succeeded"), (reason: unknown) => reason);
  assert.ok(error instanceof TopupError, String(error));
  return error;
}

const temporary = {
  busy: busy(),
  internal_error: problem(500, "internal_error"),
  stripe_error: problem(502, "stripe_error"),
  "a failure of tomorrow": problem(503, "overloaded"),
  "the gateway's 429": gateway(429),
  "the gateway's 503": gateway(503),
  "no answer": silence,
  "a proxy's page with 200": page(200),
  "a proxy's 403": page(403),
  "JSON that is no object": ok([]),
};
for (const [name, answer] of Object.entries(temporary)) {
  test(`what may pass is sent again with the same key and body: ${name}`, async () => {
    const service = new Service().will(answer, answer);

    assert.equal((await spend(service.client())).amount, 25);
    assert.deepEqual(service.keys("spend"), ["job-7", "job-7", "job-7"]);
    assert.equal(new Set(service.requests.map(({ body }) => body)).size, 1);
  });
}

const final = {
  unauthorized: problem(401, "unauthorized"),
  insufficient_credits: problem(409, "insufficient_credits", { balance: 1, held: 0, available: 1 }),
  misconfigured: problem(500, "misconfigured"),
  "a refusal of tomorrow": problem(409, "user_is_locked"),
  "the gateway's 413": gateway(413),
};
for (const [name, answer] of Object.entries(final)) {
  test(`what would fail again is not sent again: ${name}`, async () => {
    const service = new Service().will(answer);

    const error = await thrown(spend(service.client()));

    assert.ok(error instanceof ApiError || error instanceof GatewayError);
    assert.deepEqual([error.isTemporary, service.waits], [false, []]);
  });
}

test("it waits for as long as the service says, else longer each time", async () => {
  const service = new Service().will(busy("7"), gateway(429), gateway(429), gateway(429));

  await spend(service.client());

  assert.deepEqual(service.waits, [7, 0.5, 1, 2]);
});

test("a caller is not kept waiting for minutes", async () => {
  const service = new Service().will(busy("120"));

  const error = await thrown(spend(service.client()));

  assert.deepEqual([error.retryAfter, service.waits], [120, []]);
});

test("the last answer is thrown", async () => {
  const service = new Service().will(busy(), busy(), silence);

  assert.ok((await thrown(spend(service.client(3)))) instanceof NoAnswer);
  assert.equal(service.requests.length, 3);
});

for (const answer of [busy(), silence, problem(502, "stripe_error")]) {
  test("a request without a key that may have acted is not sent again", async () => {
    const service = new Service().will(answer);

    assert.ok((await thrown(refund(service.client()))).mayHaveActed);
    assert.equal(service.requests.length, 1);
  });
}

test("a batch has a key for each of its spends", async () => {
  const service = new Service().will(silence, problem(409, "insufficient_credits", { balance: 1, held: 0, available: 1 }));
  const items = [{ amount: 1, description: "A word", key: "word-1" }];

  await thrown(service.client().rest.POST("/api/users/credits/spend/batch", { body: { user_id: "user-1", items } }));

  assert.equal(service.requests.length, 2);
});

test("a request without a key that the gateway refused is sent again", async () => {
  const service = new Service().will(gateway(429));

  await refund(service.client());

  assert.deepEqual(service.calls, ["refund", "refund"]);
});

test("an earlier attempt may have acted though the last was not let in, unless the request itself is refused", async () => {
  const locked = await thrown(spend(new Service().will(silence, problem(401, "unauthorized")).client()));
  const refused = await thrown(spend(new Service().will(silence, problem(409, "idempotency_conflict")).client()));

  assert.deepEqual([locked.mayHaveActed, refused.mayHaveActed], [true, false]);
});

test("an error has what its code says", async () => {
  const few = problem(409, "insufficient_credits", { balance: 10, held: 4, available: 6 });

  const error = await thrown(spend(new Service().will(few).client()));

  assert.ok(error instanceof ApiError && error.problem.code === "insufficient_credits");
  assert.equal(error.problem.available, 6);
});

test("a caller who ends the request gets no error of ours", async () => {
  const service = new Service().will(silence);
  const ended = service.client().rest.GET("/api/payments", { signal: AbortSignal.abort(new Error("ended")) });

  await assert.rejects(ended, (error) => !(error instanceof TopupError));
});

test("a problem document with another status proves nothing", async () => {
  const odd = () => new Response(problem(409, "hold_ended")().body, { status: 404, headers: { "content-type": "application/problem+json" } });

  assert.ok((await thrown(spend(new Service().will(odd).client(1)))) instanceof UnexpectedAnswer);
});
