// One field for whatever somebody has at hand; the result says what was looked for.

import * as api from "./api.js";
import { h, link } from "./dom.js";
import { t } from "./i18n.js";
import { PAYMENT_ID, kindOf } from "./kinds.js";

/** The field; it leads to …#/find/<text>. */
export function searchField(text = "") {
  const field = h("input", {
    id: "search",
    type: "search",
    value: text,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    "aria-describedby": "search-hint",
  });
  return h(
    "form",
    {
      class: "search",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        const wanted = field.value.trim();
        if (wanted) location.hash = addressOf(wanted);
      },
    },
    h("label", { for: "search" }, t("searchLabel")),
    h("div", { class: "search-row" }, field, h("button", { type: "submit", class: "button primary" }, t("search"))),
    h("p", { id: "search-hint", class: "small muted" }, t("searchHint")),
  );
}

export const addressOf = (text) => `#/find/${encodeURIComponent(text)}`;
export const userAddress = (user) => `#/user/${encodeURIComponent(user)}`;
export const paymentAddress = (id) => `#/payment/${encodeURIComponent(id)}`;

/** What was found; a single payment or user is shown at once. */
export async function searchView({ subject: text }) {
  const kind = kindOf(text);
  if (kind === PAYMENT_ID) {
    if (await exists(text)) return goTo(paymentAddress(text));
    return nothing(text, [t("lookedForPayment", { text })]);
  }
  return goTo(userAddress(text));
}

async function exists(paymentId) {
  try {
    await api.payment(paymentId);
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

/** In place of the search in the browser's history, so that Back leads to where somebody searched. */
function goTo(address) {
  location.replace(address);
  return h("p", { class: "muted" }, t("loading"));
}

function nothing(text, lookedFor) {
  return h(
    "div",
    {},
    searchField(text),
    h("h1", {}, t("nothingFound")),
    lookedFor.map((one) => h("p", {}, one)),
    h("p", {}, link(userAddress(text), t("openAsUser", { text }))),
  );
}
