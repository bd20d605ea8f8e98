// Giving credits to a user, and adjusting what they have.

import * as api from "./api.js";
import { actionButton } from "./dialog.js";
import { number, signed } from "./format.js";
import { t } from "./i18n.js";

const LONGEST_REASON = 200; // characters

export const grantButton = (user, done) =>
  actionButton({
    id: `grant:${user}`,
    title: t("grant"),
    confirm: t("grantConfirm"),
    fields: [
      { name: "credits", label: t("grantCredits"), type: "number", min: 1, step: 1, required: true },
      { name: "expiry", label: t("grantExpiry"), options: [["standard", t("expiryStandard")], ["never", t("expiryNever")], ["day", t("expiryDay")]] },
      { name: "day", label: t("grantDay"), hint: t("grantDayHint"), type: "date" },
      { name: "campaign", label: t("campaign"), hint: t("campaignHint"), pattern: "[A-Za-z0-9_.\\-]{1,100}" },
      { name: "reason", label: t("reason"), hint: t("reasonHint"), maxlength: LONGEST_REASON, required: true },
    ],
    send: (values, key) => api.grant(grantBody(user, values), key),
    outcome: ({ balance_after: balance }, { credits }) => t("grantDone", { credits: number(Number(credits)), user, balance: number(balance) }),
    done,
  });

function grantBody(user, { credits, expiry, day, campaign, reason }) {
  const body = { user_id: user, credits: Number(credits), reason };
  if (expiry === "never") body.expires_at = null;
  if (expiry === "day") body.expires_at = endOfDay(day);
  if (campaign) body.campaign = campaign;
  return body;
}

/** The last second of a day where the administrator is; what is no day is left to the API to refuse. */
function endOfDay(day) {
  const end = new Date(`${day}T23:59:59`);
  return Number.isNaN(end.getTime()) ? day : end.toISOString();
}

export const adjustButton = (user, done) =>
  actionButton({
    id: `adjust:${user}`,
    title: t("adjust"),
    confirm: t("adjustConfirm"),
    fields: [
      { name: "amount", label: t("adjustAmount"), hint: t("adjustHint"), type: "number", step: 1, required: true },
      { name: "reason", label: t("reason"), hint: t("reasonHint"), maxlength: LONGEST_REASON, required: true },
    ],
    send: ({ amount, reason }, key) => api.adjust({ user_id: user, amount: Number(amount), reason }, key),
    outcome: ({ balance_after: balance }, { amount }) => t("adjustDone", { amount: signed(Number(amount)), user, balance: number(balance) }),
    done,
  });
