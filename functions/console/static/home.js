// The first page: the search field, and the payments that somebody should look at.

import * as api from "./api.js";
import { button, h, outside, panel } from "./dom.js";
import { errorBox } from "./errors.js";
import { t } from "./i18n.js";
import { loadPackages } from "./packages.js";
import { foundPayments } from "./payments.js";
import { searchField } from "./search.js";

const A_DAY = 86_400; // seconds; by then wallets have long confirmed, or something is wrong
// What each list asks for; `wider` leaves out what makes it short.
const LISTS = [
  { query: { status: "quarantined" } },
  { query: { status: "disputed" } },
  { query: { status: "processing", min_age_seconds: A_DAY }, wider: { status: "processing" } },
  { query: { status: "in_flight" } },
];
const PAGE = 20;

export async function homeView({ config }) {
  await loadPackages();
  return h(
    "div",
    {},
    h("h1", { class: "visually-hidden" }, t("brand")),
    searchField(),
    await Promise.all(LISTS.map(listPanel)),
    // Disputes are answered there, with evidence that only it takes.
    config.stripe_dashboard ? h("p", {}, outside(`${config.stripe_dashboard}/disputes`, t("disputesAtStripe"))) : null,
  );
}

/** A list that cannot be read says so, and leaves the others. */
async function listPanel({ query, wider }) {
  const { status } = query;
  const title = t(`list_${status}`);
  try {
    const [content, hint] = [h("div", {}, await list(query)), h("p", { class: "small muted" }, t(`list_hint_${status}`))];
    return section(status, panel(title, hint, content, wider ? widerButton(status, wider, content) : null));
  } catch (error) {
    if (error.status === 401) throw error;
    return section(status, panel(title, errorBox(error)));
  }
}

async function list(query) {
  const { payments, next_cursor: cursor } = await api.findPayments({ ...query, limit: PAGE });
  if (payments.length) return foundPayments(query, payments, cursor);
  return [h("p", {}, t(cursor ? "listEmptySoFar" : "listEmpty")), ...(cursor ? foundPayments(query, [], cursor) : [])];
}

/** Shows all that wait, in place of those that should not wait any more. */
function widerButton(status, query, content) {
  const show = button(t(`list_all_${status}`), async () => {
    show.disabled = true;
    try {
      content.replaceChildren(...(await list(query)).filter(Boolean));
      show.remove();
    } catch (error) {
      content.append(errorBox(error));
      show.disabled = false;
    }
  });
  return show;
}

const section = (status, content) => h("div", { dataset: { list: status } }, content);
