// The ledger, newest first: each change with the balance after it, who made it, and which lots it touched.

import * as api from "./api.js";
import { h, link, panel } from "./dom.js";
import { moment, number, signed } from "./format.js";
import { t, tOr } from "./i18n.js";
import { moreButton } from "./more.js";
import { packageName } from "./packages.js";
import { paymentAddress } from "./search.js";

export function ledgerPanel(user, { transactions, next_cursor: cursor }) {
  if (!transactions.length) return panel(t("ledger"), h("p", { class: "muted" }, t("noEntries")));
  const rows = h("ul", { id: "ledger", class: "rows" }, transactions.map(entryRow));
  const load = async (from) => {
    const page = await api.transactions(user, { limit: 50, cursor: from });
    rows.append(...page.transactions.map(entryRow));
    return page.next_cursor;
  };
  return panel(t("ledger"), rows, moreButton(cursor, load));
}

export const typeName = (entry) => (paysDebt(entry) ? t("paysDebt") : tOr(`type_${entry.transaction_type}`, entry.transaction_type));

/** Whether credits that were left have paid in it what was taken before. */
const paysDebt = ({ transaction_type: type, amount }) => type === "spent" && amount === 0;

function entryRow(entry) {
  const { id, amount, balance_after: balance, created_at: createdAt, actor } = entry;
  return h(
    "li",
    { dataset: { entry: id, type: entry.transaction_type } },
    h(
      "div",
      { class: "row" },
      h("span", {}, h("strong", {}, typeName(entry)), paysDebt(entry) ? null : about(entry)),
      h("span", { class: "amounts" }, h("strong", { class: amount < 0 ? "minus" : "plus" }, signed(amount)), h("span", { class: "muted" }, t("balanceAfter", { balance: number(balance) }))),
    ),
    h("p", { class: "small muted" }, [moment(createdAt), actor].filter(Boolean).join(" · ")),
    why(entry),
  );
}

/** What it was for: the package, and the reason that somebody gave or else what the service said. */
function about({ description, reason, package: packageId, payment_order_id: paymentId }) {
  const name = packageId ? packageName(packageId) : null;
  const payment = paymentId ? link(paymentAddress(paymentId), name ?? t("payment")) : name;
  return [payment, reason || (payment ? null : description)].filter(Boolean).flatMap((part) => [" · ", part]);
}

/** Which credits these were; credits that come in for the first time are a lot of their own. */
function why({ lots, transaction_type: type }) {
  if (!lots?.length || ["purchased", "granted"].includes(type)) return null;
  return h("details", {}, h("summary", {}, t("why")), h("ul", { class: "small" }, lots.map(movedLot)));
}

function movedLot({ lot_id: lotId, payment_id: paymentId, amount }) {
  const words = t(amount < 0 ? "fromLot" : "toLot", { amount: number(Math.abs(amount)) });
  const lot = paymentId ? link(paymentAddress(paymentId), t("lotOfPayment", { id: paymentId })) : t("lotOfGift", { id: lotId });
  return h("li", {}, words, " ", lot);
}
