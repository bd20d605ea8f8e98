// The card of a package of any amount: a field for the amount, and the credits that it buys while it is typed.

import { bonusFor, creditsFor } from "./amounts.js";
import { h } from "./dom.js";
import { bonus, money, number, unitPrice } from "./format.js";
import { t } from "./i18n.js";

const chosen = new Map(); // the amount by package id: a card that is shown again keeps it

/** `parts`: what all cards have; `onBuy`: gets the offer with its amount and credits. */
export function amountCard(offer, { owedText, validityLine, buyButton, errorPlace }) {
  const { id, currency } = offer;
  const credits = h("output", { for: `amount-${id}`, "aria-live": "polite" });
  const saving = h("p", { class: "saving" });
  const owed = h("p", { class: "owed", id: `owed-${id}` });
  const hint = h("p", { class: "small muted", id: `hint-${id}` }, hintText(offer));
  const input = amountField(offer);
  const button = buyButton(offer, () => priced(offer, input.value), { describedBy: owed.id });

  function show() {
    const isSold = input.checkValidity();
    const amount = input.value;
    chosen.set(id, amount);
    input.setAttribute("aria-invalid", String(!isSold));
    hint.classList.toggle("wrong", !isSold);
    credits.textContent = isSold ? number(creditsFor(offer, amount)) : "–";
    saving.replaceChildren(...(isSold ? savingText(offer, amount) : []));
    owed.textContent = (isSold && owedText(creditsFor(offer, amount))) || "";
    owed.hidden = !owed.textContent;
    const spoken = { name: offer.name, credits: credits.textContent, price: isSold ? money(amount, currency) : "–" };
    button.setAttribute("aria-label", t("buyPackage", spoken));
  }

  input.addEventListener("input", show);
  show();
  return h(
    "form",
    {
      class: "card any",
      "aria-label": offer.name,
      novalidate: "",
      onsubmit: (event) => {
        event.preventDefault();
        if (input.checkValidity()) button.buy();
        else input.focus();
      },
    },
    h("h3", {}, offer.name),
    h("p", { class: "card-credits" }, h("strong", {}, credits), " ", h("span", {}, t("credits"))),
    saving,
    owed,
    validityLine(offer),
    h("label", { class: "amount-label", for: input.id }, t("amountIn", { currency })),
    input,
    hint,
    tierList(offer),
    h("p", { class: "unit-price" }, t("perCredit", { price: unitPrice(offer.unit_price, currency) })),
    button,
    errorPlace(offer),
  );
}

/** The offer at this amount, as the others are: with a price and credits. */
const priced = (offer, amount) => ({ ...offer, amount, price: amount, credits: creditsFor(offer, amount) });

function amountField(offer) {
  const { id, min, max, step, tiers } = offer;
  const value = chosen.get(id) ?? tiers[0]?.from ?? min;
  const field = { type: "number", id: `amount-${id}`, name: "amount", inputmode: "decimal", required: "" };
  return h("input", { ...field, min, max, step, value, autocomplete: "off", "aria-describedby": `hint-${id}` });
}

function hintText({ min, max, step, currency }) {
  const [least, most, multiple] = [min, max, step].map((amount) => money(amount, currency));
  return t("amountHint", { min: least, max: most, step: multiple });
}

function savingText(offer, amount) {
  const earned = bonusFor(offer, amount);
  return earned ? [h("b", {}, t("bonusPercent", { percent: bonus(earned) }))] : [t("basePrice")];
}

function tierList({ tiers, currency }) {
  if (!tiers.length) return null;
  const rows = tiers.map(({ from, bonus_percent: given }) =>
    h("li", {}, t("tier", { amount: money(from, currency), percent: bonus(given) })),
  );
  return h("ul", { class: "tiers small muted" }, ...rows);
}
