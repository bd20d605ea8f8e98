// Signing in: at the identity provider, where one is configured, or by a token from elsewhere.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { looksLikeToken, signIn } from "./session.js";

/** `reason` is the key of a text that says why; `done` is called when somebody has signed in. */
export function signInView({ reason, done }) {
  const problem = h("p", { id: "token-problem", class: "danger-text", role: "alert" });
  const field = h("textarea", { id: "token", rows: 4, spellcheck: "false", autocomplete: "off", "aria-describedby": "token-problem" });
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        if (!looksLikeToken(field.value)) {
          problem.textContent = t("tokenMalformed");
          field.focus();
          return;
        }
        signIn(field.value);
        done();
      },
    },
    h("label", { for: "token" }, t("tokenLabel")),
    h("p", { class: "small muted" }, t("tokenHint")),
    field,
    problem,
    h("button", { type: "submit", class: "button primary" }, t("signIn")),
  );
  return h(
    "div",
    { class: "narrow" },
    h("h1", {}, t("signInTitle")),
    reason ? h("p", { class: "notice", role: "alert" }, t(reason)) : null,
    h("section", { class: "panel" }, form),
  );
}
