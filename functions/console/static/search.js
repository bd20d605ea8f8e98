// One field for whatever somebody has at hand; the result says what was looked for.

import * as api from "./api.js";
import { h, link } from "./dom.js";
import { t } from "./i18n.js";
import { EMAIL, OUR_ID, USER, kindOf } from "./kinds.js";
import { loadPackages } from "./packages.js";
import { foundPayments } from "./payments.js";

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
export async function searchView({ subject: text, reload }) {
  const kind = kindOf(text);
  const goTo = (address, words = []) => replaceBy(address, { words, text }, reload);
  if (kind === USER) return goTo(userAddress(text));
  const { payments, next_cursor: cursor } = await api.findPayments({ [kind]: text });
  const words = [`looked_for_${kind}`];
  if (kind !== EMAIL && payments.length === 1) return goTo(paymentAddress(payments[0].payment_id), kind === OUR_ID ? [] : words);
  // Users' ids may have the form of a payment's id or of an address.
  if (!payments.length && !cursor && (await isUser(text))) return goTo(userAddress(text), [...words, "foundAsUser"]);
  await loadPackages();
  return results(text, kind, payments, cursor);
}

/** Whether credits ever came to a user with this id. */
const isUser = async (id) => (await api.transactions(id, { limit: 1 })).transactions.length > 0;

/** In place of the search in the browser's history, so that Back leads to where somebody searched. */
function replaceBy(address, lookedFor, reload) {
  history.replaceState({ lookedFor }, "", address);
  reload();
  return h("p", { class: "muted" }, t("loading"));
}

/** What was looked for when a search has led to this page; else null. */
export function lookedFor() {
  const { words = [], text } = history.state?.lookedFor ?? {};
  return words.length ? h("p", { id: "looked-for", class: "small muted" }, words.map((key) => t(key, { text })).join(" ")) : null;
}

/** What was looked for, and what was found; a text may be a user's id whatever its form. */
function results(text, kind, payments, cursor = null) {
  const isAnything = payments.length > 0 || cursor;
  return h(
    "div",
    {},
    searchField(text),
    h("h1", {}, t(isAnything ? "found" : "nothingFound")),
    h("p", {}, t(`looked_for_${kind}`, { text })),
    isAnything ? h("section", { class: "panel" }, foundPayments({ [kind]: text }, payments, cursor)) : null,
    h("p", {}, link(userAddress(text), t("openAsUser", { text }))),
  );
}
