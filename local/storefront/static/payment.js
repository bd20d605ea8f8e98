// The status of one payment: the one that a returning buyer comes from, or else the newest one that is under way. The
// query's `status` is only a hint, because anyone can type it; the API's response decides.

import * as api from "./api.js";
import { data, packageName } from "./data.js";
import { discardButton } from "./discard.js";
import { byId, h, link } from "./dom.js";
import { errorBox } from "./errors.js";
import { day, money, number, validUntil } from "./format.js";
import { currentLanguage, t, tOr } from "./i18n.js";
import { forget, isPutAside, putAside, remembered } from "./memory.js";
import { amountPaid } from "./paid.js";

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 10_000;
const WAIT_GROWTH = 1.5;
const STOP_AFTER_MS = 4 * 60_000; // time in a hidden tab does not count

// If a card is declined and the next one pays, the decline can arrive here first. A buyer who returns with
// `status=success` sees "declined" only after a few more polls.
const POLLS_BEFORE_SHOWING_FAILED = 5;

const FINAL = ["succeeded", "expired"]; // not `failed`: another card may still pay
const BUYERS_TURN = ["open", "cancelled"]; // nothing changes until the buyer does something on another page

let watched = null; // { id, hint, isFound, onFinal }; `isFound`: by the page itself, not named by the address
let latest = null; // { payment, error, polls, hasStopped } last shown
let watching = new AbortController();

/** Watch the payment in the address; false if there is none. `onFinal(payment)` loads the account before it is shown. */
export function watchReturnedPayment(onFinal) {
  const query = new URLSearchParams(location.search);
  const id = query.get("payment_id");
  if (!id) return false;
  watched = { id, hint: query.get("status"), isFound: false, onFinal };
  startWatching();
  return true;
}

/** Watch the payment that the buyer left behind: by closing the tab, by the browser's Back, by paying with Alipay. */
export function watchUnfinishedPayment(onFinal) {
  const id = remembered().id ?? newestUnderWay()?.payment_id;
  if (!id) return;
  watched = { id, hint: null, isFound: true, onFinal };
  watching = new AbortController();
  watch(watching.signal); // the panel appears with the first answer
}

/** The newest payment whose money is on its way, or else the newest one that can still be paid; null if there is none.
 * Who has put one aside is not shown the older ones instead.
 */
function newestUnderWay() {
  const [aside, fresh] = [true, false].map((is) => data.payments.items.filter((one) => isPutAside(one.payment_id) === is));
  const processing = fresh.find(({ status }) => status === "processing");
  const payable = fresh.find(({ status, may_retry: mayRetry }) => status === "pending" || (status === "failed" && mayRetry));
  const isOlder = payable && aside.some((one) => one.created_at > payable.created_at);
  return processing ?? (isOlder ? null : payable);
}

function startWatching() {
  watching.abort();
  watching = new AbortController();
  show({ payment: latest?.payment ?? null, polls: 0 });
  watch(watching.signal);
}

async function watch(signal) {
  let wait = FIRST_WAIT_MS;
  for (let polls = 1, waited = 0; ; polls += 1, waited += wait, wait = Math.min(wait * WAIT_GROWTH, MAX_WAIT_MS)) {
    await untilVisible();
    if (signal.aborted) return undefined;
    const result = await poll(polls);
    if (signal.aborted) return undefined;
    const { payment, error } = result;
    if (watched.isFound && (error?.status === 404 || payment?.status === "expired")) return leave();
    if (FINAL.includes(payment?.status)) return settle(result, signal);
    const isOver = error && !error.isTemporary;
    show({ ...result, hasStopped: waited >= STOP_AFTER_MS });
    if (payment?.under_review) return watched.onFinal(payment); // a person decides, which takes a while
    if (isOver || waited >= STOP_AFTER_MS) return undefined;
    if (payment && BUYERS_TURN.includes(nameOf(payment, polls))) await untilVisible({ again: true });
    else await sleep(Math.max(wait, (error?.retryAfter ?? 0) * 1000));
    if (signal.aborted) return undefined;
  }
}

async function poll(polls) {
  try {
    return { payment: await api.payment(watched.id), polls };
  } catch (error) {
    return { payment: latest?.payment ?? null, error, polls };
  }
}

/** Show a final status once, with the balance after it. */
async function settle(result, signal) {
  // Only now: until the status is final, a reload must find this payment again.
  history.replaceState(null, "", location.pathname);
  forget();
  await watched.onFinal(result.payment);
  if (!signal.aborted) show(result);
}

/** The payment has ended because the buyer discarded it here, or was paid a moment before. */
export function paymentEnded(payment) {
  if (watched?.id !== payment.payment_id) return;
  if (payment.status === "succeeded") startWatching();
  else close();
}

function close() {
  watching.abort();
  if (latest?.payment && !FINAL.includes(latest.payment.status)) putAside(latest.payment.payment_id);
  leave();
  byId("packages").focus();
}

function leave() {
  forget();
  watched = null;
  latest = null;
  shown = "";
  history.replaceState(null, "", location.pathname);
  document.title = t("pageTitle");
  byId("payment-status").hidden = true;
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Wait until the page can be seen; `again`: until the visitor has been elsewhere and come back. */
function untilVisible({ again = false } = {}) {
  if (!again && !document.hidden) return Promise.resolve();
  return new Promise((done) => {
    const check = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", check);
      done();
    };
    document.addEventListener("visibilitychange", check);
  });
}

// ------------------------------------------------------------------------------------------------- rendering

let shown = ""; // what was last rendered: a screen reader must announce changes, not every poll

function show(state) {
  latest = state;
  const view = viewOf(state);
  const fingerprint = JSON.stringify([view.name, state.payment, state.error?.message, Boolean(state.hasStopped)]);
  if (fingerprint !== shown) render(view, state);
  shown = fingerprint;
}

/** Render again, in the current language. */
export function showPayment() {
  if (latest) render(viewOf(latest), latest);
}

function viewOf({ payment, error, polls }) {
  if (error && !error.isTemporary) return { name: "error", title: t("errorTitle") };
  if (!payment) return { name: "checking", title: t("checkingTitle"), text: [t("checkingText")], isWaiting: true };
  return (VIEWS[nameOf(payment, polls)] ?? VIEWS.pending)(payment);
}

function nameOf({ status, under_review: isUnderReview }, polls) {
  if (isUnderReview) return "under_review";
  if (status === "failed" && watched.hint === "success" && polls < POLLS_BEFORE_SHOWING_FAILED) return "pending";
  if (status !== "pending" || watched.hint === "success") return status;
  return watched.hint === "cancelled" ? "cancelled" : "open";
}

const VIEWS = {
  pending: (payment) => ({
    name: "pending",
    title: t("pendingTitle"),
    text: [about(payment), t("pendingText")],
    isWaiting: true,
  }),
  open: (payment) => ({
    name: "pending",
    title: t("openTitle"),
    text: [about(payment), t("openText")],
    isBuyersTurn: true,
    action: link(payment.payment_url, t("continuePaying"), "button primary"),
  }),
  processing: (payment) => ({
    name: "processing",
    title: t("processingTitle"),
    text: [about(payment), t("processingText")],
    isWaiting: true,
    action: api.isSimulated() ? link(payment.payment_url, t("chooseOutcome"), "button") : null,
  }),
  under_review: (payment) => ({
    name: "under_review",
    title: t("reviewTitle"),
    text: [about(payment), t("reviewText"), t("reviewReference", { id: payment.payment_id })],
  }),
  succeeded: (payment) => ({
    name: "succeeded",
    title: succeededTitle(payment),
    text: [debtText(payment), balanceText(payment), paidText(payment), refundedText(payment)],
  }),
  failed: (payment) => ({
    name: "failed",
    title: t(payment.may_retry ? "failedTitle" : "failedFinalTitle"),
    text: [about(payment), reasonText(payment), t(payment.may_retry ? "failedText" : "failedFinalText")],
    isBuyersTurn: payment.may_retry,
    action: payment.may_retry ? link(payment.payment_url, t("tryAnotherCard"), "button primary") : null,
  }),
  cancelled: (payment) => ({
    name: "cancelled",
    title: t("cancelledTitle"),
    text: [about(payment), t("cancelledText")],
    isBuyersTurn: true,
    action: link(payment.payment_url, t("continuePaying"), "button primary"),
  }),
  expired: (payment) => ({
    name: "expired",
    title: t("expiredTitle"),
    text: [about(payment), t("expiredText")],
    action: h("a", { class: "button primary", href: "#packages" }, t("choosePackage")),
  }),
};

/** "Standard · 1,100 credits · CN¥100.00" */
function about(payment) {
  const credits = t("paymentLine", { credits: number(payment.credits_purchased) });
  return [packageName(payment.package, payment.package_name), credits, money(amountPaid(payment), payment.currency)].filter(Boolean).join(" · ");
}

function succeededTitle({ credits_purchased: bought, credits_available: left = bought }) {
  return left ? t("succeededTitle", { credits: number(left) }) : t("succeededOwedTitle", { credits: number(bought) });
}

/** What of the purchase paid what the buyer owed, and whether anything is owed still; null if nothing was. */
function debtText({ credits_purchased: bought, credits_to_debt: paid }) {
  if (!paid) return null;
  const text = t("debtPaid", { paid: number(paid), bought: number(bought) });
  const debt = data.credits?.debt ?? 0;
  return debt ? `${text} ${t("debtLeft", { credits: number(debt) })}` : text;
}

function balanceText(payment) {
  if (!data.credits) return null;
  const lot = data.credits.lots.find((one) => one.payment_id === payment.payment_id);
  const until = lot?.expires_at ? validUntil(lot.expires_at) : null;
  return [t("balanceNow", { balance: number(data.credits.balance) }), until].filter(Boolean).join(" · ");
}

const paidText = (payment) =>
  t("succeededText", {
    amount: money(amountPaid(payment), payment.currency),
    date: day(payment.paid_at ?? payment.created_at),
  });

const refundedText = (payment) =>
  payment.amount_refunded ? t("succeededRefunded", { amount: money(payment.amount_refunded, payment.currency) }) : null;

/** Why the payment failed: in the page's words, and where the page has none, in Stripe's if these are in its language. */
function reasonText({ error_code: code, error_message: message }) {
  const reason = tOr(`decline_${code}`, currentLanguage() === "en" ? message : null);
  return reason ? t("failedReason", { reason }) : null;
}

function render(view, state) {
  const panel = byId("payment-status");
  panel.hidden = false;
  panel.dataset.status = view.name;
  panel.replaceChildren(...(view.name === "error" ? errorParts(state) : statusParts(view, state)));
  document.title = `${view.title} – Topup`;
}

function errorParts({ error }) {
  const box = errorBox(error, startWatching);
  if (error.status === 404) box.querySelector(".notice-title").textContent = t("errorUnknownPayment");
  return [box, closeButton()];
}

function statusParts(view, { payment, error, hasStopped }) {
  const isWaiting = view.isWaiting && !hasStopped;
  const warnings = [error ? t("connectionLost") : null, hasStopped ? t("stillWaiting") : null];
  const notes = [...view.text, ...warnings].filter(Boolean);
  const checkAgain = () => h("button", { type: "button", class: "button", onclick: startWatching }, t("checkAgain"));
  const discard = view.isBuyersTurn ? discardButton(payment, "button", showFailure) : null;
  const actions = [view.action, discard, hasStopped ? checkAgain() : null].filter(Boolean);
  return [
    h("span", { class: isWaiting ? "mark spinner" : "mark", "aria-hidden": "true" }),
    h("div", { class: "status-text" }, h("h2", {}, view.title), ...notes.map((note) => h("p", {}, note))),
    actions.length ? h("div", { class: "actions" }, ...actions) : "",
    closeButton(),
  ];
}

/** It could not be discarded: either it can be tried again, or it has another status by now. */
function showFailure(error) {
  if (error.status === 409) startWatching();
  else show({ ...latest, error });
}

const closeButton = () =>
  h("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close"), onclick: close }, "×");
