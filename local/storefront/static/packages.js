// The package cards, and buying: from a Buy button to the pay page.

import { amountCard } from "./amount_card.js";
import * as api from "./api.js";
import { data, loadCatalogue } from "./data.js";
import { byId, h, isWebAddress } from "./dom.js";
import { errorBox, PageError } from "./errors.js";
import { money, months, number, percent, unitPrice } from "./format.js";
import { currentLanguage, t } from "./i18n.js";
import { remember, remembered } from "./memory.js";

// One idempotency key per purchase: a retry after an error must get the checkout that the first try may have created.
// The amount and the pay page's language are a part of the request.
const keys = new Map();

let shown = ""; // what the cards show; shown again, they would lose the focus
let buying = null; // the package whose checkout is being created
let failure = null; // { packageId, error, retry } of the last try

export async function showPackages() {
  const language = currentLanguage();
  const grid = byId("packages");
  try {
    await loadCatalogue(language);
  } catch (error) {
    shown = "";
    grid.setAttribute("aria-busy", "false");
    grid.replaceChildren(errorBox(error, showPackages));
    return;
  }
  const state = JSON.stringify([language, data.credits?.debt]);
  if (language !== currentLanguage() || state === shown) return; // switched again in the meantime, or nothing is new
  shown = state;
  grid.setAttribute("aria-busy", "false");
  grid.replaceChildren(...cards(data.catalogues[language]));
  if (buying) setBuying(buying);
  showFailure();
}

function cards({ packages, credit_value_rmb: creditValue }) {
  const offers = Object.entries(packages).map(([id, sold]) => ({ id, ...sold, ...saving(sold, creditValue) }));
  const best = offers.reduce((a, b) => (b.saved > a.saved ? b : a), { saved: 0 });
  const parts = { owedText, validityLine, buyButton, errorPlace };
  return offers.map((offer) => (offer.price ? card(offer, offer === best) : amountCard(offer, parts)));
}

/** How much a package saves and its bonus credits. Only for prices in CNY: the credit value is in CNY. */
function saving({ credits, price, currency }, creditValue) {
  const worth = credits * creditValue;
  const saved = currency === "CNY" && worth > 0 ? 1 - Number(price) / worth : 0;
  return saved >= 0.005 ? { saved, bonus: Math.round(credits - Number(price) / creditValue) } : { saved: 0, bonus: 0 };
}

function card(offer, isBest) {
  const price = money(offer.price, offer.currency);
  const owed = owedText(offer.credits);
  const button = buyButton(offer, () => offer, { isPrimary: isBest, describedBy: owed ? `owed-${offer.id}` : null });
  button.addEventListener("click", button.buy);
  button.setAttribute("aria-label", t("buyPackage", { name: offer.name, credits: number(offer.credits), price }));
  return h(
    "article",
    { class: isBest ? "card best" : "card", "aria-label": offer.name },
    isBest ? h("p", { class: "tag" }, t("bestValue")) : null,
    h("h3", {}, offer.name),
    h("p", { class: "card-credits" }, h("strong", {}, number(offer.credits)), " ", h("span", {}, t("credits"))),
    h("p", { class: offer.saved ? "saving" : "saving none" }, ...savingText(offer)),
    owed ? h("p", { class: "owed", id: `owed-${offer.id}` }, owed) : null,
    validityLine(offer),
    h("p", { class: "price" }, h("strong", {}, price)),
    h("p", { class: "unit-price" }, t("perCredit", { price: unitPrice(offer.unit_price, offer.currency) })),
    button,
    errorPlace(offer),
  );
}

/** How long the credits are valid, where the package says so. */
function validityLine({ valid_months: valid }) {
  if (valid === undefined) return null;
  return h("p", { class: "validity" }, valid === null ? t("lotNeverExpires") : t("validFor", { duration: months(valid) }));
}

/** A Buy button; its `buy` buys what `chosen` returns by then. In a form it submits, and the form decides. */
function buyButton({ id }, chosen, { isPrimary = false, describedBy = null }) {
  const button = h(
    "button",
    {
      type: "submit",
      class: isPrimary ? "button primary" : "button",
      "aria-describedby": describedBy,
      dataset: { package: id },
    },
    t("buy"),
  );
  return Object.assign(button, { buy: () => buy(chosen()) });
}

const errorPlace = ({ id }) =>
  h("div", { class: "card-error", role: "alert", tabindex: "-1", dataset: { error: id } });

function savingText({ saved, bonus }) {
  if (!saved) return [t("basePrice")];
  return [h("b", {}, t("save", { percent: percent(saved) })), h("span", {}, t("bonus", { credits: number(bonus) }))];
}

/** What a package leaves to somebody who owes credits; null for others. */
function owedText(credits) {
  const debt = data.credits?.debt ?? 0;
  if (!debt) return null;
  if (credits <= debt) return t("owedAll", { credits: number(credits) });
  return t("owedPart", { owed: number(debt), left: number(credits - debt) });
}

async function buy(offer) {
  const packageId = offer.id;
  const intent = [packageId, offer.amount, currentLanguage()].join(" ");
  if (!keys.has(intent)) keys.set(intent, crypto.randomUUID());
  failure = null;
  showFailure();
  setBuying(packageId);
  const open = openCheckout(offer);
  if (open) return location.assign(open.payment_url);
  try {
    const checkout = await api.buy(offer, currentLanguage(), keys.get(intent));
    if (checkout.under_review) throw new PageError("reviewText");
    if (!isWebAddress(checkout.payment_url)) throw new PageError("errorNoPayUrl");
    keys.delete(intent); // the checkout exists: the next click is a new purchase
    remember(checkout.payment_id, currentLanguage()); // whoever comes back without the address's query sees this payment
    location.assign(checkout.payment_url); // the buttons stay busy until the browser leaves the page
  } catch (error) {
    if (error.status === 409) keys.delete(intent); // this key cannot succeed
    failure = { packageId, error, retry: () => buy(offer) };
    setBuying(null);
    showFailure();
    revealFailure();
  }
  return undefined;
}

/** The checkout that the visitor left open for the same offer in the same language: two of them could both be paid. */
function openCheckout({ id, credits, price }) {
  const last = remembered();
  const payment = data.payments.items.find((one) => one.payment_id === last.id);
  const isSame = payment?.package === id && payment.credits_purchased === credits && payment.amount === Number(price);
  const isOpen = (payment?.status === "pending" || payment?.may_retry) && isWebAddress(payment.payment_url);
  return isSame && isOpen && last.language === currentLanguage() ? payment : null;
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

const boxOf = (packageId) => document.querySelector(`[data-error="${CSS.escape(packageId)}"]`);

/** Show a failed purchase in the card that was pressed: on a phone nothing else is in sight. */
function showFailure() {
  for (const box of document.querySelectorAll("[data-error]")) box.replaceChildren();
  if (failure) boxOf(failure.packageId)?.replaceChildren(errorBox(failure.error, failure.retry));
}

function revealFailure() {
  const box = boxOf(failure.packageId);
  box?.focus({ preventScroll: true });
  box?.scrollIntoView({ block: "nearest" });
}
