// Stripe's ids of a payment, with links to its Dashboard.

import { h, outside } from "./dom.js";
import { t } from "./i18n.js";

/** Rows of facts; without a Dashboard (the simulator has none) the ids alone. */
export function stripeRows(payment, { stripe_dashboard: dashboard }) {
  const session = sessionOf(payment);
  const ids = { session, payment_intent: payment.payment_intent, charge: payment.charge };
  const place = dashboard && `${dashboard}${session?.startsWith("cs_live_") ? "" : "/test"}`;
  return Object.entries(ids)
    .filter(([, id]) => id)
    .map(([kind, id]) => [t(`stripe_${kind}`), idAndLink(id, place && kind !== "session" ? `${place}/payments/${id}` : null)]);
}

const idAndLink = (id, address) => h("span", {}, h("code", {}, id), address ? [" ", outside(address, t("openInStripe"))] : null);

/** The Checkout Session, from the address of its pay page where the API does not name it. */
const sessionOf = ({ session, payment_url: url }) => session ?? /cs_(?:test|live)_\w+/.exec(url ?? "")?.[0] ?? null;
