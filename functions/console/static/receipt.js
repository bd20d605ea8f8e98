// The addresses of Stripe's receipt and invoice, which Stripe is asked for when somebody wants to see them.

import * as api from "./api.js";
import { button, h, outside } from "./dom.js";
import { errorBox } from "./errors.js";
import { t } from "./i18n.js";

/** null for a payment that has none. */
export function receiptButton({ payment_id: id, status }) {
  if (status !== "succeeded") return null;
  const place = h("div", { role: "status" });
  const ask = button(t("receipts"), async () => {
    ask.disabled = true;
    try {
      const { receipt } = await api.payment(id, { expand: "receipt" });
      place.replaceChildren(...linksTo(receipt));
      ask.remove();
    } catch (error) {
      place.replaceChildren(errorBox(error));
      ask.disabled = false;
    }
  });
  return h("div", { id: "receipts" }, ask, place);
}

function linksTo({ receipt_url: receipt, invoice_url: invoice }) {
  const found = [[receipt, "receiptAtStripe"], [invoice, "invoiceAtStripe"]].filter(([address]) => address);
  return found.length ? found.map(([address, words]) => h("p", {}, outside(address, t(words)))) : [h("p", {}, t("receiptsNone"))];
}
