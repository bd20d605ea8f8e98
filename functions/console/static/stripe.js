// Stripe's ids (`re_…`), with links to where its Dashboard shows them.

import { h, outside } from "./dom.js";
import { t } from "./i18n.js";

/** A function from an id of Stripe's to the id with its link; without a Dashboard (the simulator has none) the id alone. */
export function stripeReference(payment, { stripe_dashboard: dashboard }) {
  const place = sessionOf(payment)?.startsWith("cs_live_") ? dashboard : `${dashboard}/test`;
  const address = (id) => (id.startsWith("pi_") ? `${place}/payments/${id}` : `${place}/search?query=${encodeURIComponent(id)}`);
  return (id) => h("span", {}, h("code", {}, id), dashboard && id.includes("_") ? [" ", outside(address(id), t("openInStripe"))] : null);
}

/** Rows of facts: the ids of the payment's objects at Stripe. */
export function stripeRows(payment, reference) {
  const ids = { session: sessionOf(payment), payment_intent: payment.payment_intent, charge: payment.charge };
  return Object.entries(ids)
    .filter(([, id]) => id)
    .map(([kind, id]) => [t(`stripe_${kind}`), reference(id)]);
}

/** The Checkout Session, from the address of its pay page where the API does not name it. */
const sessionOf = ({ session, payment_url: url }) => session ?? /cs_(?:test|live)_\w+/.exec(url ?? "")?.[0] ?? null;
