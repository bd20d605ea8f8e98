// The buyer is back: what became of the payment? The query's `status` is a hint from an address that anyone can
// type; only the API's answer counts.

import * as api from "./api.js";
import { byId, h, link } from "./dom.js";
import { errorBox } from "./errors.js";
import { day, money, number } from "./format.js";
import { t } from "./i18n.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;
const GROWTH = 1.5;
const GIVE_UP_AFTER_MS = 4 * 60_000; // of waiting in view; a hidden tab does not count

// A card was declined and the next one paid: the news of the decline can get here first. A buyer whom Stripe
// sent back as having paid is not told "declined" before a few more looks.
const LOOKS_BEFORE_BELIEVING_FAILED = 5;

const FINAL = ["succeeded", "expired"]; // `failed` is not: another card may still pay

let returned = null; // { id, hint } from the address
let latest = null; // { payment, error, looks, gaveUp } last shown
let watching = new AbortController();

/** Watch the payment that the address names, if it names one. `onFinal(payment)` runs once, when it is decided. */
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
  show({ payment: latest?.payment ?? null, looks: 0 });
  watch(watching.signal);
}

async function watch(signal) {
  let wait = FIRST_WAIT_MS;
  for (let looks = 1, waited = 0; ; looks += 1, waited += wait, wait = Math.min(wait * GROWTH, LONGEST_WAIT_MS)) {
    await untilVisible();
    if (signal.aborted) return undefined;
    const seen = await look(looks);
    if (signal.aborted) return undefined;
    const isOver = seen.error && !seen.error.isTemporary;
    show({ ...seen, gaveUp: waited >= GIVE_UP_AFTER_MS });
    if (FINAL.includes(seen.payment?.status)) return settle(seen.payment);
    if (isOver || waited >= GIVE_UP_AFTER_MS) return undefined;
    await sleep(Math.max(wait, (seen.error?.retryAfter ?? 0) * 1000));
    if (signal.aborted) return undefined;
  }
}

async function look(looks) {
  try {
    return { payment: await api.payment(returned.id), looks };
  } catch (error) {
    return { payment: latest?.payment ?? null, error, looks };
  }
}

/** Only now may the query go: before, a reload had to find its way back to this payment. */
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
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
  });
}

// ------------------------------------------------------------------------------------------------- what is shown

let shown = ""; // so that a screen reader hears a change, not every look

function show(state) {
  latest = state;
  const view = viewOf(state);
  const fingerprint = JSON.stringify([view.name, state.payment, state.error?.message, Boolean(state.gaveUp)]);
  if (fingerprint !== shown) render(view, state);
  shown = fingerprint;
}

/** Again, in another language. */
export function showPaymentAgain() {
  if (latest) render(viewOf(latest), latest);
}

function viewOf({ payment, error, looks }) {
  if (error && !error.isTemporary) return { name: "error" };
  if (!payment) return { name: "checking", title: t("checkingTitle"), text: [t("checkingText")], isWaiting: true };
  return (VIEWS[nameOf(payment, looks)] ?? VIEWS.pending)(payment);
}

function nameOf({ status }, looks) {
  if (status === "failed" && returned.hint === "success" && looks < LOOKS_BEFORE_BELIEVING_FAILED) return "pending";
  if (status !== "pending" || returned.hint === "success") return status;
  return returned.hint === "cancelled" ? "cancelled" : "open";
}

const VIEWS = {
  pending: () => ({ name: "pending", title: t("pendingTitle"), text: [t("pendingText")], isWaiting: true }),
  open: (payment) => ({
    name: "pending",
    title: t("openTitle"),
    text: [t("openText")],
    way: link(payment.payment_url, t("goOnPaying"), "button primary"),
  }),
  processing: (payment) => ({
    name: "processing",
    title: t("processingTitle"),
    text: [t("processingText")],
    isWaiting: true,
    way: api.isSimulated() ? link(payment.payment_url, t("decideInSimulator"), "button") : null,
  }),
  succeeded: (payment) => ({
    name: "succeeded",
    title: t("succeededTitle", { credits: number(payment.credits_purchased) }),
    text: [paidText(payment), refundedText(payment)],
  }),
  failed: (payment) => ({
    name: "failed",
    title: t(payment.may_retry ? "failedTitle" : "failedForGoodTitle"),
    text: [
      payment.error_message ? t("failedReason", { reason: payment.error_message }) : null,
      t(payment.may_retry ? "failedText" : "failedForGoodText"),
    ],
    way: payment.may_retry ? link(payment.payment_url, t("tryAnotherCard"), "button primary") : null,
  }),
  cancelled: (payment) => ({
    name: "cancelled",
    title: t("cancelledTitle"),
    text: [t("cancelledText")],
    way: link(payment.payment_url, t("goOnPaying"), "button primary"),
  }),
  expired: () => ({
    name: "expired",
    title: t("expiredTitle"),
    text: [t("expiredText")],
    way: h("a", { class: "button primary", href: "#packages" }, t("choosePackage")),
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

function statusParts(view, { error, gaveUp }) {
  const isWaiting = view.isWaiting && !gaveUp;
  const asides = [error ? t("connectionLost") : null, gaveUp ? t("stillWaiting") : null];
  const notes = [...view.text, ...asides].filter(Boolean);
  const checkAgain = () => h("button", { type: "button", class: "button", onclick: startWatching }, t("checkAgain"));
  const ways = [view.way, gaveUp ? checkAgain() : null].filter(Boolean);
  return [
    h("span", { class: isWaiting ? "mark spinner" : "mark", "aria-hidden": "true" }),
    h("div", { class: "status-text" }, h("h2", {}, view.title), ...notes.map((note) => h("p", {}, note))),
    ways.length ? h("div", { class: "ways" }, ...ways) : "",
    closeButton(),
  ];
}

const closeButton = () =>
  h("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close"), onclick: close }, "×");
