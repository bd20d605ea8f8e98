// Ending a quarantine: the credits of what was really paid, or the money back. What it would do is shown first.

import * as api from "./api.js";
import { actionButton } from "./dialog.js";
import { facts, h } from "./dom.js";
import { money, number } from "./format.js";
import { t } from "./i18n.js";

/** The buttons of a payment that waits for a decision; none for others. */
export function releaseButtons(payment, done) {
  return waysOf(payment).map(([action, words]) => releaseButton(payment, action, words, done));
}

/** What each decision would do, for those who may make none. */
export function releaseQuoteButton(payment) {
  const ways = waysOf(payment);
  if (!ways.length) return null;
  return actionButton({
    id: `release_quote:${payment.payment_id}`,
    title: t("releaseQuote"),
    fields: [],
    preview: async () => ({ content: decisions(await currentQuote(payment.payment_id), ways) }),
  });
}

/** [what the API is told, whose words the dialog has] */
function waysOf({ quarantine_reason: reason, under_review: isUnpaid, releases = [] }) {
  if (!reason) return [];
  if (!isUnpaid) return [["refund", "second"]]; // it has its credits, and was paid once more
  const isOnItsWayBack = releases.at(-1)?.status === "in_flight";
  return isOnItsWayBack ? [["refund", "refund"]] : [["fulfil", "fulfil"], ["refund", "refund"]];
}

const releaseButton = ({ payment_id: id, stripe: { rejected_intent: intent } }, action, words, done) =>
  actionButton({
    id: `release_${action}:${id}`,
    title: t(`release_${words}`),
    isDangerous: action === "refund",
    fields: [{ name: "reason", label: t("reason"), hint: t(`release_hint_${words}`), maxlength: 200, required: true }],
    values: { payment_intent: intent }, // which of several is meant, also after a reload
    preview: async () => CONSEQUENCES[action](await quoteOf(id, intent, action)),
    // Made once whatever the key: the payment itself remembers.
    send: ({ reason, payment_intent }) => api.release(id, { action, reason, payment_intent }),
    outcome: (payment) => outcome(payment, action),
    done,
  });

/** What the decision would do; raises CallFailed where it is not possible, as the decision itself would. */
async function quoteOf(id, intent, action) {
  const quote = await currentQuote(id);
  if (quote.payment_intent !== intent) throw notReleasable(t("releaseStale"));
  if (quote[action].refused) throw notReleasable(quote[action].refused);
  return quote;
}

/** What any decision would do; raises CallFailed where there is none to make any more. */
async function currentQuote(id) {
  const { release_quote: quote } = await api.payment(id, { expand: "release_quote" });
  if (!quote) throw notReleasable(t("releaseStale"));
  return quote;
}

const notReleasable = (detail) => new api.CallFailed(409, { code: "not_releasable", detail }, null);

const decisions = (quote, ways) =>
  facts(...moneyOf(quote), ...ways.map(([action, words]) => [t(`release_${words}`), quote[action].refused ?? CONSEQUENCES[action](quote).confirm]));

const CONSEQUENCES = {
  fulfil: ({ fulfil, ...paid }) => ({
    confirm: fulfil.credits ? t("release_confirm_fulfil", { credits: number(fulfil.credits) }) : t("releaseSettle"),
    content: [facts(...moneyOf(paid), ...creditsOf(fulfil)), fulfil.credits ? null : h("p", { class: "notice" }, t("releaseGranted"))],
  }),
  refund: ({ refund, ...paid }) => ({
    confirm: t("release_confirm_refund", { amount: money(refund.amount, paid.currency) }),
    content: facts(...moneyOf(paid), [t("quoteAmount"), money(refund.amount, paid.currency)]),
  }),
};

const moneyOf = ({ amount_paid: paid, amount_returned: returned, currency }) => [
  [t("releasePaid"), currency ? money(paid, currency) : null],
  [t("releaseReturned"), returned ? money(returned, currency) : null],
];

const creditsOf = ({ credits, credits_to_debt: debt, credits_taken_back: taken }) => [
  [t("releaseCredits"), number(credits)],
  [t("releaseDebt"), debt ? number(debt) : null],
  [t("releaseTaken"), taken ? number(taken) : null],
];

function outcome({ credits_purchased: credits, releases = [] }, action) {
  const isUnderWay = releases.at(-1)?.status === "in_flight";
  return t(isUnderWay ? "release_in_flight" : `release_done_${action}`, { credits: number(credits) });
}
