// A payment: what it is, whose, and its story.

import * as api from "./api.js";
import { facts, h, link, panel } from "./dom.js";
import { day, money, number } from "./format.js";
import { t } from "./i18n.js";
import { loadPackages, packageName } from "./packages.js";
import { badge } from "./payments.js";
import { receiptButton } from "./receipt.js";
import { quoteButton, refundButton } from "./refund.js";
import { releaseButtons, releaseQuoteButton } from "./release.js";
import { lookedFor, searchField, userAddress } from "./search.js";
import { isAdmin } from "./session.js";
import { storyOf, storyPanel } from "./story.js";
import { stripeReference, stripeRows } from "./stripe.js";

const NEWEST_ENTRIES = 100; // of the user's ledger, in which those of this payment are looked for

export async function paymentView({ subject: id, config, reload }) {
  const [payment] = await Promise.all([api.payment(id), loadPackages()]);
  const history = await api.transactions(payment.user_id, { limit: NEWEST_ENTRIES });
  const reference = stripeReference(payment, config);
  return h(
    "div",
    {},
    searchField(id),
    lookedFor(),
    h(
      "header",
      { class: "title" },
      h("div", {}, h("p", { class: "kind" }, t("payment")), h("h1", { class: "mono" }, id)),
      badge(payment),
      h("div", { class: "actions" }, isAdmin() ? [...releaseButtons(payment, reload), refundButton(payment, reload)] : [releaseQuoteButton(payment), quoteButton(payment)]),
    ),
    h("div", { class: "columns" }, factsPanel(payment, reference), storyPanel(storyOf(payment, history), reference, history.next_cursor)),
  );
}

function factsPanel(payment, reference) {
  const { user_id: user, package: packageId, currency, lot } = payment;
  const inCurrency = (amount) => (amount === undefined || amount === null ? null : money(amount, currency));
  return panel(
    t("facts"),
    facts(
      [t("user"), link(userAddress(user), user)],
      [t("package"), packageName(packageId)],
      [t("price"), inCurrency(payment.amount)],
      [t("paid"), inCurrency(payment.amount_paid)],
      [t("tax"), inCurrency(payment.tax)],
      [t("discount"), inCurrency(payment.discount)],
      [t("credits"), number(payment.credits_purchased)],
      [t("toDebt"), payment.credits_to_debt ? number(payment.credits_to_debt) : null],
      [t("refundedMoney"), payment.amount_refunded ? inCurrency(payment.amount_refunded) : null],
      [t("refundedCredits"), payment.credits_refunded ? number(payment.credits_refunded) : null],
      [t("lotNow"), lot ? t("lotLeft", { remaining: number(lot.remaining), granted: number(lot.granted) }) : null],
      [t("expires"), lot?.expires_at ? day(lot.expires_at) : null],
      ...stripeRows(payment, reference),
    ),
    receiptButton(payment),
  );
}
