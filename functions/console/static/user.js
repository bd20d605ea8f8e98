// A user: what they have, where it came from, what became of it, and what they bought.

import * as api from "./api.js";
import { adjustButton, grantButton } from "./credit_actions.js";
import { facts, h, panel } from "./dom.js";
import { number } from "./format.js";
import { t } from "./i18n.js";
import { ledgerPanel } from "./ledger.js";
import { holdsPanel, lotsPanel } from "./lots.js";
import { loadPackages } from "./packages.js";
import { paymentsPanel } from "./payments.js";
import { lookedFor, searchField } from "./search.js";
import { isAdmin } from "./session.js";

const PAGE = { limit: 20 };

export async function userView({ subject: user, reload }) {
  const [credits, { holds }, history, payments] = await Promise.all([
    api.credits(user),
    api.holds(user),
    api.transactions(user, PAGE),
    api.payments(user, PAGE),
    loadPackages(),
  ]);
  const isKnown = history.transactions.length > 0 || payments.payments.length > 0;
  return h(
    "div",
    {},
    searchField(user),
    lookedFor(),
    h(
      "header",
      { class: "title" },
      h("div", {}, h("p", { class: "kind" }, t("user")), h("h1", { class: "mono" }, user)),
      isAdmin() ? h("div", { class: "actions" }, grantButton(user, reload), adjustButton(user, reload)) : null,
    ),
    isKnown ? null : h("p", { class: "notice" }, t("userUnknown")),
    figures(credits),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "column" }, lotsPanel(credits.lots), holdsPanel(holds), paymentsPanel(user, payments)),
      ledgerPanel(user, history),
    ),
  );
}

function figures({ balance, held, available, debt, total_credits_earned: earned }) {
  return panel(
    t("credits"),
    facts(
      [t("balance"), figure("balance", balance)],
      [t("held"), figure("held", held)],
      [t("available"), figure("available", available)],
      [t("debt"), figure("debt", debt)],
      [t("earned"), figure("earned", earned)],
    ),
  );
}

const figure = (name, value) => h("span", { class: value < 0 || (name === "debt" && value) ? "figure danger-text" : "figure", dataset: { figure: name } }, number(value));
