// What a buyer paid: the price, or another sum where a code took something off it or tax was added.

import { money } from "./format.js";
import { t } from "./i18n.js";

export const amountPaid = ({ amount, amount_paid: paid }) => paid ?? amount;

/** "CN¥10.00 discount · including CN¥17.10 tax", empty where there was neither. */
export const withinPaid = ({ tax, discount, currency }) =>
  [discount && t("discount", { amount: money(discount, currency) }), tax && t("tax", { amount: money(tax, currency) })]
    .filter(Boolean)
    .join(" · ");
