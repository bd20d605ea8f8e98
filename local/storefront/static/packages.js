// The package cards, and buying: from a Buy button to the pay page.

import * as api from "./api.js";
import { byId, h, isWebAddress } from "./dom.js";
import { errorBox } from "./errors.js";
import { money, number, percent, unitPrice } from "./format.js";
import { currentLanguage, t } from "./i18n.js";

const catalogues = {}; // by language: the names differ

// One idempotency key per purchase: a retry after an error must get the checkout that the first try may have created.
const keys = new Map();

let buying = null; // the package whose checkout is being created
let failure = null; // { error, retry } of the last try

export async function showPackages() {
  const language = currentLanguage();
  const grid = byId("packages");
  try {
    catalogues[language] ??= await api.packages(language);
  } catch (error) {
    grid.setAttribute("aria-busy", "false");
    grid.replaceChildren(errorBox(error, showPackages));
    return;
  }
  if (language !== currentLanguage()) return; // switched again in the meantime
  grid.setAttribute("aria-busy", "false");
  grid.replaceChildren(...cards(catalogues[language]));
  if (buying) setBuying(buying);
  showFailure();
}

function cards({ packages, credit_value_rmb: creditValue }) {
  const offers = Object.entries(packages).map(([id, sold]) => ({ id, ...sold, ...saving(sold, creditValue) }));
  const best = offers.reduce((a, b) => (b.saved > a.saved ? b : a), { saved: 0 });
  return offers.map((offer) => card(offer, offer === best));
}

/** How much a package saves and its bonus credits. Only for prices in CNY: the credit value is in CNY. */
function saving({ credits, price, currency }, creditValue) {
  const worth = credits * creditValue;
  const saved = currency === "CNY" && worth > 0 ? 1 - Number(price) / worth : 0;
  return saved >= 0.005 ? { saved, bonus: Math.round(credits - Number(price) / creditValue) } : { saved: 0, bonus: 0 };
}

function card(offer, isBest) {
  const price = money(offer.price, offer.currency, { currencyDisplay: "narrowSymbol" });
  const spoken = t("buyPackage", { name: offer.name, credits: number(offer.credits), price });
  return h(
    "article",
    { class: isBest ? "card best" : "card", "aria-label": offer.name },
    isBest ? h("p", { class: "tag" }, t("bestValue")) : null,
    h("h3", {}, offer.name),
    h("p", { class: "card-credits" }, h("strong", {}, number(offer.credits)), " ", h("span", {}, t("credits"))),
    h("p", { class: offer.saved ? "saving" : "saving none" }, ...savingText(offer)),
    h("p", { class: "price" }, h("strong", {}, price), " ", h("span", {}, offer.currency)),
    h("p", { class: "unit-price" }, t("perCredit", { price: unitPrice(offer.unit_price, offer.currency) })),
    h(
      "button",
      {
        type: "button",
        class: isBest ? "button primary" : "button",
        "aria-label": spoken,
        dataset: { package: offer.id },
        onclick: () => buy(offer.id),
      },
      t("buy"),
    ),
  );
}

function savingText({ saved, bonus }) {
  if (!saved) return [t("basePrice")];
  return [h("b", {}, t("save", { percent: percent(saved) })), h("span", {}, t("bonus", { credits: number(bonus) }))];
}

async function buy(packageId) {
  if (!keys.has(packageId)) keys.set(packageId, crypto.randomUUID());
  failure = null;
  showFailure();
  setBuying(packageId);
  try {
    const checkout = await api.buy(packageId, keys.get(packageId));
    if (checkout.under_review) throw new Error(t("reviewText"));
    if (!isWebAddress(checkout.payment_url)) throw new Error(t("errorNoPayUrl"));
    keys.delete(packageId); // the checkout exists: the next click is a new purchase
    location.assign(checkout.payment_url); // the buttons stay busy until the browser leaves the page
  } catch (error) {
    if (error.status === 409) keys.delete(packageId); // this key cannot succeed
    failure = { error, retry: () => buy(packageId) };
    setBuying(null);
    showFailure();
  }
}

/** After the browser's Back button, the page may come from its cache with the buttons still busy. */
export const stopBuying = () => setBuying(null);

function setBuying(packageId) {
  buying = packageId;
  for (const button of document.querySelectorAll("button[data-package]")) {
    const isThis = button.dataset.package === packageId;
    button.disabled = packageId !== null;
    button.setAttribute("aria-busy", String(isThis));
    const spinner = isThis ? [h("span", { class: "spinner", "aria-hidden": "true" })] : [];
    button.replaceChildren(...spinner, t(isThis ? "buying" : "buy"));
  }
}

function showFailure() {
  byId("buy-error").replaceChildren(...(failure ? [errorBox(failure.error, failure.retry)] : []));
}
