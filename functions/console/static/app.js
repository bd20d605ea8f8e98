// The console: signs somebody in, and shows what the address names. It does nothing that the API does not allow.

import * as api from "./api.js";
import { byId, h } from "./dom.js";
import { errorBox } from "./errors.js";
import { homeView } from "./home.js";
import { setLanguage, t, translatePage } from "./i18n.js";
import { tokenOfReturn } from "./oidc.js";
import { paymentView } from "./payment.js";
import { searchField, searchView } from "./search.js";
import * as session from "./session.js";
import { signInView } from "./sign_in.js";
import { userView } from "./user.js";

// By the first word of the address: …/console#/user/alice
const VIEWS = { "": homeView, find: searchView, payment: paymentView, user: userView };

let config = null;
let turn = 0; // a view that comes late must not replace the one that was asked for after it

async function start() {
  session.takeTokenFromAddress();
  translatePage();
  try {
    config = await api.loadConfig();
  } catch (error) {
    show(errorPage(error, start));
    return;
  }
  session.useRoles(config.roles);
  let failure = {};
  try {
    const token = await tokenOfReturn(config.sign_in);
    if (token) session.signIn(token);
  } catch (error) {
    failure = { reason: error.reason ?? "errorOther", detail: error.detail };
  }
  api.onSignedOut(() => {
    session.signOut();
    render({ reason: "signedOut" });
  });
  render(failure);
}

/** Show what the address names; `reason` and `detail` say why somebody must sign in. */
async function render({ reason = null, detail = null } = {}) {
  const mine = (turn += 1);
  showPerson();
  if (!session.token()) {
    show(signInView({ config, reason, detail, done: () => render() }));
    return;
  }
  const { action } = document.activeElement?.dataset ?? {};
  show(h("p", { class: "muted" }, t("loading")), { isBusy: true });
  const view = await load(location.hash);
  if (mine !== turn) return;
  show(view);
  // Whoever pressed a button goes on there, or at the top of the page if it is gone.
  if (action) (document.querySelector(`[data-action="${action}"]`) ?? byId("main")).focus();
}

async function load(hash) {
  const [name = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  const view = VIEWS[name] ?? homeView;
  try {
    return await view({ subject: decoded(rest.join("/")), config, reload: render });
  } catch (error) {
    if (error.status === 401) return signInView({ config, reason: "signedOut", done: () => render() });
    return errorPage(error, render, searchField());
  }
}

const errorPage = (error, retry, ...more) => h("div", {}, ...more, h("h1", { class: "visually-hidden" }, t("errorTitle")), errorBox(error, retry));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show(view, { isBusy = false } = {}) {
  const main = byId("main");
  main.setAttribute("aria-busy", String(isBusy));
  main.replaceChildren(view);
  const title = main.querySelector("h1")?.textContent;
  document.title = title ? `${title} – ${t("brand")}` : t("brand");
}

function showPerson() {
  byId("person").hidden = !session.token();
  byId("person-name").textContent = session.userId();
  byId("person-role").textContent = t(`role_${session.role()}`);
}

for (const one of document.querySelectorAll("[data-language]"))
  one.addEventListener("click", () => {
    setLanguage(one.dataset.language);
    translatePage();
    if (config) render();
  });
byId("sign-out").addEventListener("click", () => {
  session.signOut();
  render();
});
window.addEventListener("hashchange", () => {
  session.takeTokenFromAddress();
  render();
  byId("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
});

start();
