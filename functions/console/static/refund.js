// Refunding a payment: what it would take is shown first, and taking what is not there needs a second confirmation.

import * as api from "./api.js";
import { actionButton } from "./dialog.js";
import { facts, h } from "./dom.js";
import { money, number } from "./format.js";
import { t } from "./i18n.js";
import { isWithBank } from "./payments.js";

/** What of the payment's money has not been given back, in major units. */
const left = ({ amount, amount_paid: paid, amount_refunded: refunded = 0 }) => (paid ?? amount) - refunded;

/** Whether there is anything to give back. */
const isRefundable = (payment) => payment.status === "succeeded" && left(payment) > 0 && !isWithBank(payment);

const amountField = (payment) => ({
  name: "amount",
  label: t("refundAmount", payment),
  hint: t("refundAmountHint", { amount: money(left(payment), payment.currency) }),
  inputmode: "decimal",
  pattern: "[0-9]+([.][0-9]+)?",
});

/** What a refund would do, for those who may not make one. */
export function quoteButton(payment) {
  if (!isRefundable(payment)) return null;
  const { payment_id: id, currency } = payment;
  return actionButton({
    id: `quote:${id}`,
    title: t("quote"),
    fields: [amountField(payment)],
    preview: async ({ amount }) => ({ content: effects(await api.quoteRefund({ payment_id: id, amount: amountOf(amount) }), currency) }),
  });
}

export function refundButton(payment, done) {
  if (!isRefundable(payment)) return null;
  const { payment_id: id, currency } = payment;
  return actionButton({
    id: `refund:${id}`,
    title: t("refund"),
    isDangerous: true,
    fields: [
      amountField(payment),
      { name: "reason", label: t("reason"), hint: t("reasonHint"), maxlength: 200 },
    ],
    preview: async ({ amount }) => consequences(await api.quoteRefund({ payment_id: id, amount: amountOf(amount) }), currency),
    send: (values, key) => api.refund(refundBody(id, values), key),
    outcome: (answer) => outcome(answer, currency),
    done,
  });
}

const amountOf = (text) => (text ? Number(text) : null);

const refundBody = (id, { amount, reason, force, quote_token: token }) => ({
  payment_id: id,
  amount: amountOf(amount),
  reason: reason || null,
  force: force === "true",
  quote_token: token,
});

const consequences = (quote, currency) => ({
  values: { quote_token: quote.quote_token },
  confirm: t("refundConfirm", { amount: money(quote.amount, currency) }),
  content: effects(quote, currency, forceQuestion()),
});

/** What it would do; `question` is asked where the API refuses it without `force`. */
function effects(quote, currency, question = null) {
  const { debt, holds_uncovered: uncovered } = quote;
  return [
    facts(
      [t("quoteAmount"), money(quote.amount, currency)],
      [t("quoteCredits"), number(quote.credits_refunded)],
      [t("quoteOwn"), number(quote.from_own_lot)],
      [t("quoteOthers"), number(quote.from_other_lots)],
      [t("quoteDebt"), number(debt)],
      [t("quoteHolds"), number(uncovered)],
    ),
    debt || uncovered || takesOwed(quote) ? h("div", { class: "notice danger" }, warnings(quote, currency), question) : null,
  ];
}

/** Whether it takes credits that pay what the user owes: that makes no debt and uncovers no hold, and is refused, too. */
const takesOwed = ({ amount, largest_refundable: largest }) => Number(amount) > Number(largest);

function warnings(quote, currency) {
  const { debt, holds_uncovered: uncovered, largest_refundable: largest } = quote;
  const texts = [
    debt ? t("forceDebt", { credits: number(debt) }) : null,
    uncovered ? t("forceHolds", { credits: number(uncovered) }) : null,
    !debt && !uncovered && takesOwed(quote) ? t("forceOwed") : null,
    Number(largest) > 0 ? t("forceLargest", { amount: money(largest, currency) }) : null,
  ];
  return texts.filter(Boolean).map((text) => h("p", {}, text));
}

/** The second confirmation. */
const forceQuestion = () =>
  h("label", { class: "check" }, h("input", { type: "checkbox", name: "force", value: "true", required: true }), h("span", {}, t("force")));

function outcome({ success, amount, credits_refunded: credits, refund_id: id }, currency) {
  return t(success ? "refundDone" : "refundInFlight", { amount: money(amount, currency), credits: number(credits), id });
}
