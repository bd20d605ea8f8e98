// Payments as rows: of one user, or found.

import * as api from "./api.js";
import { h, link, panel } from "./dom.js";
import { moment, money, number, relative } from "./format.js";
import { t, tOr } from "./i18n.js";
import { moreButton } from "./more.js";
import { packageName } from "./packages.js";
import { reasonsOf } from "./quarantine.js";
import { paymentAddress, userAddress } from "./search.js";

// The bank has closed the dispute and the shop keeps the money. A lost one stays disputed.
const DISPUTE_IS_OVER = ["won", "warning_closed", "prevented"];

/** The payments of one user, who need not be named with each. */
export function paymentsPanel(user, { payments, next_cursor: cursor }) {
  if (!payments.length) return panel(t("payments"), h("p", { class: "muted" }, t("noPayments")));
  const rows = paymentList(payments, paymentRow);
  const load = async (from) => {
    const page = await api.payments(user, { limit: 50, cursor: from });
    rows.append(...page.payments.map((payment) => paymentRow(payment)));
    return page.next_cursor;
  };
  return panel(t("payments"), rows, moreButton(cursor, load));
}

/** Payments of any user, found by `query`, with their next pages. */
export function foundPayments(query, payments, cursor) {
  const rows = paymentList(payments, rowWithUser);
  const load = async (from) => {
    const page = await api.findPayments({ ...query, limit: 20, cursor: from });
    rows.append(...page.payments.map(rowWithUser));
    return page.next_cursor;
  };
  return [rows, moreButton(cursor, load)];
}

const paymentList = (payments, row) => h("ul", { class: "rows payments" }, payments.map((payment) => row(payment)));

const rowWithUser = (payment) => paymentRow(payment, [" · ", link(userAddress(payment.user_id), payment.user_id)]);

function paymentRow(payment, user = []) {
  const { payment_id: id, package: packageId, credits_purchased: credits, amount, currency } = payment;
  return h(
    "li",
    { dataset: { payment: id } },
    h(
      "div",
      { class: "row" },
      h("span", {}, link(paymentAddress(id), packageName(packageId)), " · ", t("creditsCount", { credits: number(credits) })),
      h("span", { class: "amounts" }, h("strong", {}, money(amount, currency)), badge(payment)),
    ),
    h("p", { class: "small muted" }, `${moment(payment.created_at)}, ${relative(payment.created_at)}`, user),
    openDisputes(payment).map((dispute) => h("p", { class: "small" }, disputeWords(dispute, currency))),
    reasonsOf(payment.quarantine_reason).map((reason) => h("p", { class: "small" }, reason)),
  );
}

/** "Dispute about CN¥100.00: needs an answer, 2 days ago" */
const disputeWords = ({ amount, currency, status, reason, created_at: at }, usual) =>
  t("disputeRow", { amount: money(amount, currency ?? usual), status: [tOr(`dispute_${status}`, status), reason].filter(Boolean).join(" · "), when: relative(at) });

const openDisputes = ({ disputes = [] }) => disputes.filter(({ status }) => ![...DISPUTE_IS_OVER, "lost"].includes(status));

/** Whether the bank has the money, or decides over it: the API refuses refunds then. Inquiries take none. */
export const isWithBank = ({ disputes = [] }) => disputes.some(({ status }) => !DISPUTE_IS_OVER.includes(status) && !status.startsWith("warning_"));

export function badge(payment) {
  const state = stateOf(payment);
  return h("span", { class: "badge", dataset: { state } }, tOr(`state_${state}`, state));
}

/** What has become of a payment, in one word. */
export function stateOf({ status, under_review: isUnderReview, disputes = [], amount_refunded: refunded, amount, amount_paid: paid }) {
  if (isUnderReview) return "quarantined";
  if (disputes.some((dispute) => !DISPUTE_IS_OVER.includes(dispute.status))) return "disputed";
  if (refunded > 0) return refunded >= (paid ?? amount) ? "refunded" : "partly_refunded";
  return status;
}
