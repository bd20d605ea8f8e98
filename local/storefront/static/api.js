// Calls to the API. Reads go directly to it with the visitor's token. Purchases and the list of holds go through the
// shop's own server, which adds the API key that a browser must never have.

import { currentLanguage } from "./i18n.js";

const TIMEOUT_MS = 35_000; // a little more than the API's own limit of 30 s

/** A failed call. `status` is 0 if there was no response. */
export class CallFailed extends Error {
  constructor(status, problem, retryAfter, toShop) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    Object.assign(this, { status, problem, retryAfter, toShop });
  }

  /** A retry may help: no response, too many requests, or a server error. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let config = null;
let clockAhead = 0; // milliseconds that the shop's clock is ahead of the visitor's

export async function loadConfig() {
  config = await call("config.json", { toShop: true });
  clockAhead = new Date(config.now).getTime() - Date.now();
  return config;
}

/** The shop's time in milliseconds: it decides what has expired, and the visitor's clock may be wrong. */
export const now = () => Date.now() + clockAhead;

/** True if Stripe is the simulator, where the visitor chooses the outcome of a payment that settles later. */
export const isSimulated = () => Boolean(config?.simulator_url);

export const apiUrl = () => config?.api_url ?? location.origin;

const read = (path, query = {}) => {
  const address = new URL(`${config.api_url}/api/${path}`);
  for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
  return call(address, { headers: { authorization: `Bearer ${config.user_token}` } });
};

export const packages = (lang) => read("payments/packages", { lang: lang === "en" ? "en" : null });
// `lang` asks for the packages' names as well: of those that are off sale nothing else has them.
export const payment = (id) => read(`payments/${encodeURIComponent(id)}`, { lang: currentLanguage() });
export const payments = (limit, cursor) => read("payments", { limit, cursor, lang: currentLanguage() });
export const credits = () => read("users/credits");
export const transactions = (limit, cursor) =>
  read("users/credits/transactions", { limit, cursor, lang: currentLanguage() });

/** The visitor's open holds, the soonest to end first. */
export const holds = () => call("holds", { toShop: true });

/** `amount` only where the package is one of any amount. */
export function buy({ id, amount }, language, idempotencyKey) {
  return call("buy", {
    method: "POST",
    headers: {
      authorization: `Bearer ${config.user_token}`,
      "content-type": "application/json",
      "idempotency-key": idempotencyKey,
    },
    body: JSON.stringify({
      package: id,
      amount,
      return_url: location.origin + location.pathname,
      locale: language,
    }),
    toShop: true,
  });
}

/** End a payment that nobody has paid; the payment as it is then. */
export const cancel = (id) =>
  call(`${config.api_url}/api/payments/${encodeURIComponent(id)}/cancel`, {
    method: "POST",
    headers: { authorization: `Bearer ${config.user_token}` },
  });

async function call(address, { toShop = false, ...request }) {
  let response;
  let body;
  try {
    response = await fetch(address, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.text();
  } catch {
    throw new CallFailed(0, {}, null, toShop);
  }
  const parsed = parse(body);
  if (response.ok && parsed) return parsed;
  throw new CallFailed(response.status, parsed ?? {}, retryAfter(response), toShop);
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
