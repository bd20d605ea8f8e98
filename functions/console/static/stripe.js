// Stripe's ids (`re_…`), with links to where its Dashboard shows them.

import { h, outside } from "./dom.js";
import { t } from "./i18n.js";

/** A function from an id of Stripe's to the id with its link; without a Dashboard (the simulator has none) the id alone. */
export function stripeReference(payment, { stripe_dashboard: dashboard }) {
  const place = payment.stripe?.session?.startsWith("cs_live_") ? dashboard : `${dashboard}/test`;
  const address = (id) => (id.startsWith("pi_") ? `${place}/payments/${id}` : `${place}/search?query=${encodeURIComponent(id)}`);
  return (id) => h("span", {}, h("code", {}, id), dashboard && id.includes("_") ? [" ", outside(address(id), t("openInStripe"))] : null);
}

/** Rows of facts: the ids of the payment's objects at Stripe. */
export function stripeRows(payment, reference) {
  return Object.entries({ ...payment.stripe })
    .filter(([, id]) => id)
    .map(([kind, id]) => [t(`stripe_${kind}`), reference(id)]);
}
