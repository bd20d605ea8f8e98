// The first page: the search field.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { searchField } from "./search.js";

export async function homeView() {
  return h("div", {}, h("h1", { class: "visually-hidden" }, t("brand")), searchField());
}
