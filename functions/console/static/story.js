// A payment's story: what happened to it, in the order in which it happened.

import { h, panel } from "./dom.js";
import { moment, money, number, signed } from "./format.js";
import { t, tOr } from "./i18n.js";
import { typeName } from "./ledger.js";
import { packageName } from "./packages.js";
import { reasonsOf } from "./quarantine.js";

// Of the steps of one second, which comes first: money before the credits that follow it.
const RANK = ["placed", "paid", "purchased", "refund", "dispute"];

/** The steps, the oldest first; a step without a time comes last. */
export function storyOf(payment, { transactions }) {
  const steps = [
    placed(payment),
    paid(payment),
    ...transactions.toReversed().filter((entry) => entry.payment_order_id === payment.payment_id).map(changed),
    ...(payment.refunds ?? []).map((refund) => refunded(refund, payment)),
    ...(payment.disputes ?? []).map((dispute) => disputed(dispute, payment)),
    warned(payment),
    ...(payment.releases ?? []).map(released),
    stateNow(payment),
    quarantined(payment),
    ...(payment.refused_besides ?? []).map(refusedBesides),
  ].filter(Boolean);
  return steps.sort((a, b) => (a.at ?? "9999").localeCompare(b.at ?? "9999") || rank(a) - rank(b));
}

const rank = ({ kind }) => (RANK.includes(kind) ? RANK.indexOf(kind) : RANK.length);

/** `reference` shows an id of Stripe's; `isPart`: the ledger has more entries than were searched. */
export function storyPanel(steps, reference, isPart) {
  return panel(
    t("story"),
    h("ol", { id: "story", class: "story" }, steps.map((step) => stepRow(step, reference))),
    isPart ? h("p", { class: "small muted" }, t("storyIsPart")) : null,
  );
}

function stepRow({ kind, at, title, text, id }, reference) {
  return h(
    "li",
    { dataset: { step: kind } },
    h("p", { class: "step-title" }, title),
    text ? h("p", {}, text) : null,
    id ? h("p", { class: "small" }, reference(id)) : null,
    at ? h("p", { class: "small muted" }, h("time", { datetime: at }, moment(at))) : null,
  );
}

const placed = ({ created_at: at, package: packageId, credits_purchased: credits, amount, currency }) => ({
  kind: "placed",
  at,
  title: t("stepPlaced"),
  text: t("stepPlacedText", { name: packageName(packageId), credits: number(credits), amount: money(amount, currency) }),
});

function paid({ paid_at: at, amount, amount_paid: paidAmount, currency }) {
  if (!at) return null;
  return { kind: "paid", at, title: t("stepPaid"), text: money(paidAmount ?? amount, currency) };
}

/** An entry of the user's ledger that belongs to this payment. */
const changed = (entry) => ({
  kind: entry.transaction_type,
  at: entry.created_at,
  title: t("stepCredits", { type: typeName(entry), amount: signed(entry.amount) }),
  text: t("balanceAfter", { balance: number(entry.balance_after) }),
});

const refunded = (refund, payment) => ({
  kind: "refund",
  at: refund.created_at,
  title: t("stepRefund", { amount: money(refund.amount, refund.currency ?? payment.currency) }),
  text: [tOr(`refund_${refund.status}`, refund.status), refund.reason].filter(Boolean).join(" · "),
  id: refund.refund_id,
});

const disputed = (dispute, payment) => ({
  kind: "dispute",
  at: dispute.created_at,
  title: t("stepDispute", { amount: money(dispute.amount, dispute.currency ?? payment.currency) }),
  text: [tOr(`dispute_${dispute.status}`, dispute.status), dispute.reason].filter(Boolean).join(" · "),
  id: dispute.dispute_id,
});

/** The card's issuer takes the payment for fraud; a dispute often follows. */
function warned({ fraud_warning: warning }) {
  if (!warning) return null;
  return { kind: "warning", at: warning.created_at, title: t("stepWarning"), text: warning.fraud_type, id: warning.warning_id };
}

/** A decision over a payment that was quarantined; what it was quarantined for stays with it. */
const released = ({ action, status, reason, actor, quarantine_reason: why, released_at: at, payment_intent: id }) => ({
  kind: "release",
  at,
  title: t(`release_step_${action}`),
  text: [status === "in_flight" ? t("release_in_flight") : null, reason, actor, t("releaseOf", { reason: reasonsOf(why).join("; ") })].filter(Boolean).join(" · "),
  id,
});

/** Where an unpaid payment stands; a quarantine is a step of its own. */
function stateNow({ status, under_review: isUnderReview, error_message: message, error_code: code, may_retry: mayRetry }) {
  if (status === "succeeded" || isUnderReview) return null;
  if (["pending", "processing"].includes(status)) return { kind: status, at: null, title: t(`state_${status}`), text: t(`now_${status}`) };
  const text = [message, code, mayRetry ? t("mayRetry") : null].filter(Boolean).join(" · ");
  return { kind: status, at: null, title: t(`state_${status}`), text };
}

function quarantined({ under_review: isUnderReview, quarantine_reason: reason }) {
  if (!isUnderReview && !reason) return null;
  return { kind: "quarantine", at: null, title: t(isUnderReview ? "stepQuarantine" : "stepSecond"), text: reasonsOf(reason).join("; ") };
}

/** It is decided over after the one before it. */
const refusedBesides = ({ payment_intent: id, quarantine_reason: reason }) => ({
  kind: "quarantine",
  at: null,
  title: t("stepRefusedBesides"),
  text: reasonsOf(reason).join("; "),
  id,
});
