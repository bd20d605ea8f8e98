// The status of the payment that a returning buyer comes from. The query's `status` is only a hint, because anyone
// can type it; the API's response decides.

import * as api from "./api.js";
import { byId, h, link } from "./dom.js";
import { errorBox } from "./errors.js";
import { day, money, number } from "./format.js";
import { t } from "./i18n.js";

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 10_000;
const WAIT_GROWTH = 1.5;
const STOP_AFTER_MS = 4 * 60_000; // time in a hidden tab does not count

// If a card is declined and the next one pays, the decline can arrive here first. A buyer who returns with
// `status=success` sees "declined" only after a few more polls.
const POLLS_BEFORE_SHOWING_FAILED = 5;

const FINAL = ["succeeded", "expired"]; // not `failed`: another card may still pay

let returned = null; // { id, hint } from the address, and the callback `onFinal`
let latest = null; // { payment, error, polls, hasStopped } last shown
let watching = new AbortController();

/** Watch the payment in the address, if there is one. `onFinal(payment)` runs once watching no longer helps. */
export function watchReturnedPayment(onFinal) {
  const query = new URLSearchParams(location.search);
  const id = query.get("payment_id");
  if (!id) return;
  returned = { id, hint: query.get("status"), onFinal };
  startWatching();
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
    const isOver = result.error && !result.error.isTemporary;
    show({ ...result, hasStopped: waited >= STOP_AFTER_MS });
    if (FINAL.includes(result.payment?.status)) return settle(result.payment);
    if (result.payment?.under_review) return returned.onFinal(result.payment); // a person decides, which takes a while
    if (isOver || waited >= STOP_AFTER_MS) return undefined;
    await sleep(Math.max(wait, (result.error?.retryAfter ?? 0) * 1000));
    if (signal.aborted) return undefined;
  }
}

async function poll(polls) {
  try {
    return { payment: await api.payment(returned.id), polls };
  } catch (error) {
    return { payment: latest?.payment ?? null, error, polls };
  }
}

/** Remove the query only now: until the status is final, a reload must find this payment again. */
function settle(payment) {
  history.replaceState(null, "", location.pathname);
  returned.onFinal(payment);
}

function close() {
  watching.abort();
  returned = null;
  latest = null;
  history.replaceState(null, "", location.pathname);
  byId("payment-status").hidden = true;
  byId("packages").focus();
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function untilVisible() {
  if (!document.hidden) return Promise.resolve();
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
  if (error && !error.isTemporary) return { name: "error" };
  if (!payment) return { name: "checking", title: t("checkingTitle"), text: [t("checkingText")], isWaiting: true };
  return (VIEWS[nameOf(payment, polls)] ?? VIEWS.pending)(payment);
}

function nameOf({ status, under_review: isUnderReview }, polls) {
  if (isUnderReview) return "under_review";
  if (status === "failed" && returned.hint === "success" && polls < POLLS_BEFORE_SHOWING_FAILED) return "pending";
  if (status !== "pending" || returned.hint === "success") return status;
  return returned.hint === "cancelled" ? "cancelled" : "open";
}

const VIEWS = {
  pending: () => ({ name: "pending", title: t("pendingTitle"), text: [t("pendingText")], isWaiting: true }),
  open: (payment) => ({
    name: "pending",
    title: t("openTitle"),
    text: [t("openText")],
    action: link(payment.payment_url, t("continuePaying"), "button primary"),
  }),
  processing: (payment) => ({
    name: "processing",
    title: t("processingTitle"),
    text: [t("processingText")],
    isWaiting: true,
    action: api.isSimulated() ? link(payment.payment_url, t("chooseOutcomeInSimulator"), "button") : null,
  }),
  under_review: (payment) => ({
    name: "under_review",
    title: t("reviewTitle"),
    text: [t("reviewText"), t("reviewReference", { id: payment.payment_id })],
  }),
  succeeded: (payment) => ({
    name: "succeeded",
    title: t("succeededTitle", { credits: number(payment.credits_purchased) }),
    text: [paidText(payment), refundedText(payment)],
  }),
  failed: (payment) => ({
    name: "failed",
    title: t(payment.may_retry ? "failedTitle" : "failedFinalTitle"),
    text: [
      payment.error_message ? t("failedReason", { reason: payment.error_message }) : null,
      t(payment.may_retry ? "failedText" : "failedFinalText"),
    ],
    action: payment.may_retry ? link(payment.payment_url, t("tryAnotherCard"), "button primary") : null,
  }),
  cancelled: (payment) => ({
    name: "cancelled",
    title: t("cancelledTitle"),
    text: [t("cancelledText")],
    action: link(payment.payment_url, t("continuePaying"), "button primary"),
  }),
  expired: () => ({
    name: "expired",
    title: t("expiredTitle"),
    text: [t("expiredText")],
    action: h("a", { class: "button primary", href: "#packages" }, t("choosePackage")),
  }),
};

const paidText = (payment) =>
  t("succeededText", {
    amount: money(payment.amount, payment.currency),
    date: day(payment.paid_at ?? payment.created_at),
  });

const refundedText = (payment) =>
  payment.amount_refunded ? t("succeededRefunded", { amount: money(payment.amount_refunded, payment.currency) }) : null;

function render(view, state) {
  const panel = byId("payment-status");
  panel.hidden = false;
  panel.dataset.status = view.name;
  panel.replaceChildren(...(view.name === "error" ? errorParts(state) : statusParts(view, state)));
}

function errorParts({ error }) {
  const box = errorBox(error, startWatching);
  if (error.status === 404) box.querySelector(".notice-title").textContent = t("errorUnknownPayment");
  return [box, closeButton()];
}

function statusParts(view, { error, hasStopped }) {
  const isWaiting = view.isWaiting && !hasStopped;
  const warnings = [error ? t("connectionLost") : null, hasStopped ? t("stillWaiting") : null];
  const notes = [...view.text, ...warnings].filter(Boolean);
  const checkAgain = () => h("button", { type: "button", class: "button", onclick: startWatching }, t("checkAgain"));
  const actions = [view.action, hasStopped ? checkAgain() : null].filter(Boolean);
  return [
    h("span", { class: isWaiting ? "mark spinner" : "mark", "aria-hidden": "true" }),
    h("div", { class: "status-text" }, h("h2", {}, view.title), ...notes.map((note) => h("p", {}, note))),
    actions.length ? h("div", { class: "actions" }, ...actions) : "",
    closeButton(),
  ];
}

const closeButton = () =>
  h("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close"), onclick: close }, "×");
