// The button that ends a payment which nobody has paid: at Stripe too, so that no forgotten page takes the money.

import * as api from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

let onEnded = async () => {};

/** What the page does once a payment has ended, or turned out to be paid. */
export function whenEnded(listener) {
  onEnded = listener;
}

/** The button, or null for a payment that cannot be discarded. `onFailure(error)` shows why it did not work. */
export function discardButton(payment, cssClass, onFailure) {
  if (payment.status !== "pending" && !payment.may_retry) return null;
  const button = h("button", { type: "button", class: cssClass, onclick: discard }, t("discard"));

  async function discard() {
    button.disabled = true;
    try {
      await onEnded(await api.cancel(payment.payment_id));
    } catch (error) {
      button.disabled = false;
      onFailure(error);
    }
  }

  return button;
}
