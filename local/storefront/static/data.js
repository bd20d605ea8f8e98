// What the page knows: the packages on sale, the visitor's credits, history and payments. The other modules show it.

import * as api from "./api.js";
import { currentLanguage } from "./i18n.js";

const PAGE = { transactions: 10, payments: 5 };

export const data = {
  catalogues: {}, // by language: the names differ
  credits: null,
  holds: [],
  history: list("transactions"),
  payments: list("payments"),
};

function list(name) {
  return { name, items: [], cursor: null, isLoaded: false };
}

export async function loadCatalogue(language) {
  data.catalogues[language] ??= await api.packages(language);
}

/** The name of a package in the page's language; of one that is off sale by now, the name that its order has `kept`. */
export const packageName = (id, kept = null) => data.catalogues[currentLanguage()]?.packages[id]?.name ?? kept;

export async function loadAccount() {
  const [credits, history, payments] = await Promise.all([
    api.credits(),
    api.transactions(PAGE.transactions),
    api.payments(PAGE.payments),
  ]);
  data.credits = credits;
  fill(data.history, history);
  fill(data.payments, payments);
  // Last, so that an error here leaves the rest up to date.
  data.holds = [];
  if (credits.held) data.holds = (await api.holds()).holds;
}

export async function loadMore(target) {
  const read = target.name === "payments" ? api.payments : api.transactions;
  const from = target.cursor;
  const page = await read(PAGE[target.name], from);
  // If a refresh has reloaded the list in the meantime, this page no longer follows it.
  if (target.cursor === from) fill(target, { ...page, [target.name]: [...target.items, ...page[target.name]] });
}

function fill(target, page) {
  Object.assign(target, { items: page[target.name], cursor: page.next_cursor, isLoaded: true });
}

/** The entry of the history with this id; null where it has not been loaded. */
export const entryOf = (id) => data.history.items.find((entry) => entry.id === id) ?? null;

/** Replace a payment by a newer version; the list may lag behind. */
export function replacePayment(payment) {
  data.payments.items = data.payments.items.map((one) => (one.payment_id === payment.payment_id ? payment : one));
}
