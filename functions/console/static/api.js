// Calls to the API, on the page's own origin, with the token of whoever has signed in.

import { token } from "./session.js";

const TIMEOUT_MS = 35_000; // a little more than the API's own limit of 30 s

/** A failed call. `status` is 0 if there was no response. */
export class CallFailed extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    Object.assign(this, { status, problem, retryAfter });
  }

  get code() {
    return this.problem.code ?? "";
  }

  /** Nobody knows whether the API has done it: there was no answer, or none of the API's own. */
  get isAmbiguous() {
    return this.status === 0 || this.status >= 500;
  }
}

let clockAhead = 0; // milliseconds that the API's clock is ahead of this computer's
let signedOut = () => {};

/** Called when the API does not accept the token. */
export const onSignedOut = (listener) => (signedOut = listener);

export async function loadConfig() {
  const config = await request("/console/config.json");
  clockAhead = new Date(config.now).getTime() - Date.now();
  return config;
}

/** The API's time in milliseconds: it decides what has expired, and this computer's clock may be wrong. */
export const now = () => Date.now() + clockAhead;

const id = encodeURIComponent;

export const packages = (lang) => read("/api/payments/packages", { lang: lang === "en" ? "en" : null });
export const payment = (paymentId, query) => read(`/api/payments/${id(paymentId)}`, query);
export const credits = (user) => read(`/api/users/${id(user)}/credits`);
export const holds = (user) => read(`/api/users/${id(user)}/holds`);
export const payments = (user, query) => read(`/api/users/${id(user)}/payments`, query);
export const transactions = (user, query) => read(`/api/users/${id(user)}/credits/transactions`, { explain: "true", ...query });

/** `query` names one thing to find payments by: session, payment_intent, charge, email or status. */
export const findPayments = (query) => read("/api/admin/payments", query);

export const grant = (body, key) => change("/api/admin/credits/grant", body, key);
export const adjust = (body, key) => change("/api/admin/credits/adjust", body, key);
export const quoteRefund = (body) => change("/api/payments/stripe/refund/quote", body);
export const refund = (body, key) => change("/api/payments/stripe/refund", body, key);
export const release = (paymentId, body) => change(`/api/admin/payments/${id(paymentId)}/release`, body);

function read(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const parameters = new URLSearchParams(given).toString();
  return authorised(parameters ? `${path}?${parameters}` : path);
}

const change = (path, body, key = null) =>
  authorised(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key ? { "idempotency-key": key } : {}) },
    body: JSON.stringify(body),
  });

async function authorised(path, { headers = {}, ...options } = {}) {
  const used = token();
  try {
    return await request(path, { ...options, headers: { ...headers, authorization: `Bearer ${used}` } });
  } catch (error) {
    // Not where somebody has signed in again since.
    if (error.status === 401 && used === token()) signedOut();
    throw error;
  }
}

/** The JSON of a response; raises CallFailed. */
export async function request(address, options = {}) {
  let response;
  let body;
  try {
    response = await fetch(address, { ...options, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.text();
  } catch {
    throw new CallFailed(0, {}, null);
  }
  const parsed = parse(body);
  if (response.ok && parsed) return parsed;
  throw new CallFailed(response.status, parsed ?? {}, retryAfter(response));
}

function parse(body) {
  try {
    const parsed = JSON.parse(body);
    return parsed !== null && typeof parsed === "object" ? parsed : null;
  } catch {
    return null;
  }
}

function retryAfter(response) {
  const seconds = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
