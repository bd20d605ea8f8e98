// Ending a quarantine: the credits of what was really paid, or the money back.

import * as api from "./api.js";
import { actionButton } from "./dialog.js";
import { number } from "./format.js";
import { t } from "./i18n.js";

/** The buttons of a payment that waits for a decision; none for others. */
export function releaseButtons(payment, done) {
  return waysOf(payment).map(([action, words]) => releaseButton(payment, action, words, done));
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
    confirm: t(`release_confirm_${action}`),
    isDangerous: action === "refund",
    fields: [{ name: "reason", label: t("reason"), hint: t(`release_hint_${words}`), maxlength: 200, required: true }],
    values: { payment_intent: intent }, // which of several is meant, also after a reload
    // Made once whatever the key: the payment itself remembers.
    send: ({ reason, payment_intent }) => api.release(id, { action, reason, payment_intent }),
    outcome: (payment) => outcome(payment, action),
    done,
  });

function outcome({ credits_purchased: credits, releases = [] }, action) {
  const isUnderWay = releases.at(-1)?.status === "in_flight";
  return t(isUnderWay ? "release_in_flight" : `release_done_${action}`, { credits: number(credits) });
}
