// Signing in: at the identity provider, where one is configured, or by a token from elsewhere.

import { button, h } from "./dom.js";
import { t } from "./i18n.js";
import { leaveForProvider } from "./oidc.js";
import { looksLikeToken, signIn } from "./session.js";

/** `reason` is the key of a text that says why, `detail` more of it; `done` is called when somebody has signed in. */
export function signInView({ config, reason, detail, done }) {
  return h(
    "div",
    { class: "narrow" },
    h("h1", {}, t("signInTitle")),
    reason ? h("p", { class: "notice", role: "alert" }, t(reason), detail ? ` (${detail})` : null) : null,
    config.sign_in ? providerPanel(config.sign_in) : null,
    config.sign_in ? h("details", {}, h("summary", {}, t("signInByToken")), tokenPanel(done)) : tokenPanel(done),
  );
}

function providerPanel(configured) {
  const problem = h("p", { class: "danger-text", role: "alert" });
  const leave = async () => {
    start.disabled = true;
    try {
      await leaveForProvider(configured);
    } catch (error) {
      problem.textContent = `${t(error.reason ?? "errorOther")} ${error.detail ?? ""}`;
      start.disabled = false;
    }
  };
  const start = button(t("signInAtProvider"), leave, { class: "button primary" });
  return h("section", { class: "panel" }, h("p", {}, t("signInProvider", { host: new URL(configured.issuer).host })), problem, start);
}

function tokenPanel(done) {
  const problem = h("p", { id: "token-problem", class: "danger-text", role: "alert" });
  const field = h("textarea", { id: "token", rows: 4, spellcheck: "false", autocomplete: "off", "aria-describedby": "token-problem" });
  const submitted = (event) => {
    event.preventDefault();
    if (looksLikeToken(field.value)) {
      signIn(field.value);
      done();
      return;
    }
    problem.textContent = t("tokenMalformed");
    field.focus();
  };
  return h(
    "form",
    { class: "panel", onsubmit: submitted },
    h("label", { for: "token" }, t("tokenLabel")),
    h("p", { class: "small muted" }, t("tokenHint")),
    field,
    problem,
    h("button", { type: "submit", class: "button primary" }, t("signIn")),
  );
}
