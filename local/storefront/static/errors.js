// Shows an error: what happened, in the page's language, the request's id for the operator, and a retry button.

import { apiUrl, CallFailed } from "./api.js";
import { h } from "./dom.js";
import { currentLanguage, t, tOr } from "./i18n.js";

/** An error that the page itself finds; `text` is the key of what it says. */
export class PageError extends Error {
  constructor(text) {
    super(text);
    this.text = text;
  }
}

export function errorBox(error, retry) {
  const again = error.status === 401 ? () => location.reload() : retry; // a reload fetches the current token
  return h(
    "div",
    { class: "notice" },
    h("div", {}, h("p", { class: "notice-title" }, t("errorTitle")), h("p", {}, describe(error)), requestId(error)),
    h("button", { type: "button", class: "button", onclick: again }, t("retry")),
  );
}

function describe(error) {
  if (error instanceof PageError) return t(error.text);
  if (!(error instanceof CallFailed)) return t("errorOther");
  if (error.status === 0) return error.toShop ? t("errorShop") : t("errorNetwork", addresses());
  if (error.status === 401) return t("errorUnauthorised");
  const text = tOr(`problem_${error.problem.code}`, null) ?? otherProblem(error);
  return error.retryAfter ? `${text} ${t("retryAfter", { seconds: error.retryAfter })}` : text;
}

/** A problem whose code the page does not know. The API explains it in English. */
function otherProblem({ status, problem }) {
  const explained = currentLanguage() === "en" ? problem.detail ?? problem.title : null;
  return explained ?? t("errorUnexpected", { status });
}

const addresses = () => ({ url: apiUrl(), origin: location.origin });

function requestId(error) {
  const id = error.problem?.request_id;
  return id ? h("p", { class: "small mono" }, t("requestId", { id })) : null;
}
