// The account: balance, lots, history and payments, loaded and shown together.

import * as api from "./api.js";
import { byId, h, link } from "./dom.js";
import { errorBox } from "./errors.js";
import { day, moment, money, number, signed } from "./format.js";
import { t, tOr } from "./i18n.js";

const PAGE = { transactions: 10, payments: 5 };
const SAY_NO_MORE = ["Grant", "Adjustment"]; // descriptions that say no more than the entry's type
const BRING_CREDITS = ["purchased", "granted"]; // types of entries whose credits have an expiry, or never expire

// The bank has closed the dispute and the shop keeps the money. A lost one stays disputed.
const DISPUTE_IS_OVER = ["won", "warning_closed", "prevented"];

const account = { credits: null, history: list("transactions"), payments: list("payments"), error: null };

function list(name) {
  return { name, items: [], cursor: null, isLoaded: false };
}

export async function loadAccount() {
  account.error = null;
  byId("refresh").disabled = true;
  try {
    const [credits, history, payments] = await Promise.all([
      api.credits(),
      api.transactions(PAGE.transactions),
      api.payments(PAGE.payments),
    ]);
    account.credits = credits;
    fill(account.history, history);
    fill(account.payments, payments);
  } catch (error) {
    account.error = { error, retry: loadAccount };
  }
  byId("refresh").disabled = false;
  showAccount();
}

function fill(target, page) {
  Object.assign(target, { items: page[target.name], cursor: page.next_cursor, isLoaded: true });
}

export const loadMoreHistory = () => loadMore(account.history, api.transactions, byId("history-more"));
export const loadMorePayments = () => loadMore(account.payments, api.payments, byId("payments-more"));

async function loadMore(target, read, button) {
  button.disabled = true;
  const from = target.cursor;
  try {
    const page = await read(PAGE[target.name], from);
    // If a refresh has reloaded the list in the meantime, this page no longer follows it.
    if (target.cursor === from) fill(target, { ...page, [target.name]: [...target.items, ...page[target.name]] });
    account.error = null;
  } catch (error) {
    account.error = { error, retry: () => loadMore(target, read, button) };
  }
  button.disabled = false;
  showAccount();
}

/** Replace a payment by a newer version; the list may lag behind. */
export function replacePayment(payment) {
  account.payments.items = account.payments.items.map((one) => (one.payment_id === payment.payment_id ? payment : one));
}

// ------------------------------------------------------------------------------------------------- rendering

export function showAccount() {
  const { credits, history, payments, error } = account;
  byId("account-error").replaceChildren(...(error ? [errorBox(error.error, error.retry)] : []));
  byId("account-columns").hidden = Boolean(error) && !credits; // there is only the error to show
  if (credits) showCredits(credits);
  showList(byId("history"), history, t("noHistory"), entryRow);
  showList(byId("payments"), payments, t("noPayments"), paymentRow);
  byId("history-more").hidden = !history.cursor;
  byId("payments-more").hidden = !payments.cursor;
}

function showCredits({ balance, debt, total_credits_earned: earned, lots }) {
  byId("balance").textContent = number(balance);
  byId("balance").dataset.balance = String(balance);
  byId("debt").hidden = !debt;
  byId("debt").textContent = debt ? t("debt", { credits: number(debt) }) : "";
  byId("earned").textContent = t("earned", { credits: number(earned) });
  byId("lots").replaceChildren(...(lots.length ? lots.map(lotRow) : [emptyRow(t("noLots"))]));
}

function lotRow({ lot_id: lotId, source, granted, remaining, expires_at: expiresAt }) {
  const left = t("lotLeft", { remaining: number(remaining), granted: number(granted) });
  const expiry = expiresAt ? t("lotExpires", { date: day(expiresAt) }) : t("lotNeverExpires");
  const origin = tOr(`source_${source}`, source);
  return h(
    "li",
    { dataset: { lot: lotId, source } },
    h("p", {}, h("span", {}, left), h("span", { class: "muted" }, `${origin} · ${expiry}`)),
    h("progress", { max: granted, value: remaining, "aria-label": left }),
  );
}

function showList(element, { items, isLoaded }, emptyText, row) {
  if (isLoaded) element.replaceChildren(...(items.length ? items.map(row) : [emptyRow(emptyText)]));
}

const emptyRow = (text) => h("li", { class: "empty muted" }, text);

function entryRow(entry) {
  const type = entry.transaction_type;
  const sign = entry.amount > 0 ? "plus" : "minus";
  return h(
    "li",
    { dataset: { transaction: entry.id, type } },
    h(
      "div",
      {},
      h("p", { class: "row-title" }, tOr(`type_${type}`, type)),
      SAY_NO_MORE.includes(entry.description) ? null : h("p", { class: "small" }, entry.description),
      h("p", { class: "small muted" }, [moment(entry.created_at), validity(entry)].filter(Boolean).join(" · ")),
    ),
    h(
      "div",
      { class: "row-end" },
      h("p", { class: `amount ${sign}` }, signed(entry.amount)),
      h("p", { class: "small muted" }, t("balanceAfter", { balance: number(entry.balance_after) })),
    ),
  );
}

function validity({ transaction_type: type, expires_at: expiresAt, is_expired: isExpired }) {
  if (!expiresAt) return BRING_CREDITS.includes(type) ? t("neverExpires") : null;
  return isExpired ? t("hasExpired") : t("validUntil", { date: day(expiresAt) });
}

function paymentRow(payment) {
  const { status } = payment;
  const badge = badgeOf(payment);
  return h(
    "li",
    { dataset: { payment: payment.payment_id, status } },
    h(
      "div",
      {},
      h("p", { class: "row-title" }, t("paymentLine", { credits: number(payment.credits_purchased) })),
      h("p", { class: "small muted" }, moment(payment.created_at)),
      payment.amount_refunded
        ? h("p", { class: "small" }, t("refunded", { amount: money(payment.amount_refunded, payment.currency) }))
        : null,
      payment.under_review ? h("p", { class: "small" }, t("reviewLine", { id: payment.payment_id })) : null,
      payPageLink(payment),
    ),
    h(
      "div",
      { class: "row-end" },
      h("p", { class: "amount" }, money(payment.amount, payment.currency)),
      h("p", {}, h("span", { class: `badge ${badge}` }, tOr(`badge_${badge}`, tOr(`status_${badge}`, badge)))),
    ),
  );
}

/** What the badge says: the payment's status, or what has become of its money since. */
function badgeOf({ status, under_review: isUnderReview, disputes = [], amount, amount_refunded: refunded }) {
  if (isUnderReview) return "under_review";
  if (disputes.some((dispute) => !DISPUTE_IS_OVER.includes(dispute.status))) return "disputed";
  if (!refunded) return status;
  return refunded < amount ? "partly_refunded" : "refunded";
}

/** A link to the pay page, if the payment can still change there. */
function payPageLink({ status, may_retry: mayRetry, payment_url: address }) {
  if (status === "pending" || mayRetry) return link(address, t("continuePaying"), "small");
  return status === "processing" && api.isSimulated() ? link(address, t("chooseOutcome"), "small") : null;
}
