// Ending a quarantine: the credits of what was really paid, or the money back.

import * as api from "./api.js";
import { actionButton } from "./dialog.js";
import { number } from "./format.js";
import { t } from "./i18n.js";

const ACTIONS = ["fulfil", "refund"];

/** The buttons of a quarantined payment; none for others. */
export function releaseButtons(payment, done) {
  return payment.under_review ? ACTIONS.map((action) => releaseButton(payment, action, done)) : [];
}

const releaseButton = ({ payment_id: id }, action, done) =>
  actionButton({
    id: `release_${action}:${id}`,
    title: t(`release_${action}`),
    confirm: t(`release_confirm_${action}`),
    isDangerous: action === "refund",
    fields: [{ name: "reason", label: t("reason"), hint: t(`release_hint_${action}`), maxlength: 200, required: true }],
    send: ({ reason }) => api.release(id, { action, reason }), // made once whatever the key: the payment itself remembers
    outcome: (payment) => outcome(payment, action),
    done,
  });

function outcome({ credits_purchased: credits, releases = [] }, action) {
  const isUnderWay = releases.at(-1)?.status === "in_flight";
  return t(isUnderWay ? "release_in_flight" : `release_done_${action}`, { credits: number(credits) });
}
