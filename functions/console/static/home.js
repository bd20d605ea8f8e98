// The first page: the search field, and the payments that wait for somebody or for something.

import * as api from "./api.js";
import { h, outside, panel } from "./dom.js";
import { errorBox } from "./errors.js";
import { t } from "./i18n.js";
import { loadPackages } from "./packages.js";
import { foundPayments } from "./payments.js";
import { searchField } from "./search.js";

const STATES = ["quarantined", "processing", "in_flight"];

export async function homeView({ config }) {
  await loadPackages();
  return h(
    "div",
    {},
    h("h1", { class: "visually-hidden" }, t("brand")),
    searchField(),
    await Promise.all(STATES.map(listPanel)),
    // Disputes are decided there, with evidence that only it takes.
    config.stripe_dashboard ? h("p", {}, outside(`${config.stripe_dashboard}/disputes`, t("disputesAtStripe"))) : null,
  );
}

/** A list that cannot be read says so, and leaves the others. */
async function listPanel(status) {
  const [title, hint] = [t(`list_${status}`), h("p", { class: "small muted" }, t(`list_hint_${status}`))];
  try {
    const { payments, next_cursor: cursor } = await api.findPayments({ status, limit: 20 });
    const content = payments.length || cursor ? foundPayments({ status }, payments, cursor) : h("p", {}, t("listEmpty"));
    return section(status, panel(title, hint, content));
  } catch (error) {
    if (error.status === 401) throw error;
    return section(status, panel(title, errorBox(error)));
  }
}

const section = (status, content) => h("div", { dataset: { list: status } }, content);
