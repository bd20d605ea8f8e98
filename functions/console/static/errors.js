// Shows an error: what happened, in the page's language, and the request's id for whoever reads the logs.

import { CallFailed } from "./api.js";
import { button, h } from "./dom.js";
import { currentLanguage, t, tOr } from "./i18n.js";

const EXPLAINED = ["not_refundable", "not_releasable"]; // for more than one reason, which the API gives in English

/** A box with the error, and a button that tries again where there is something to try. */
export function errorBox(error, retry = null) {
  return h(
    "div",
    { class: "notice danger", role: "alert" },
    h("p", { class: "notice-title" }, t("errorTitle")),
    h("p", {}, describe(error)),
    fieldErrors(error),
    requestId(error),
    retry ? button(t("retry"), retry) : null,
  );
}

export function describe(error) {
  if (!(error instanceof CallFailed)) return t("errorOther");
  if (error.status === 0) return t("errorNetwork");
  const known = tOr(`problem_${error.code}`, null);
  const text = known && EXPLAINED.includes(error.code) ? `${known} (${error.message})` : known ?? otherProblem(error);
  return error.retryAfter ? `${text} ${t("retryAfter", { seconds: error.retryAfter })}` : text;
}

/** What the page has no words for: the API explains it in English. */
function otherProblem({ status, problem }) {
  const explained = currentLanguage() === "en" ? problem.detail ?? problem.title : null;
  return explained ?? t("errorUnexpected", { status });
}

/** Which field is wrong, and how: in the API's words, since they name its fields. */
function fieldErrors({ problem }) {
  if (!problem?.errors?.length) return null;
  return h("ul", { class: "small" }, problem.errors.map(({ field, message }) => h("li", {}, `${field}: ${message}`)));
}

function requestId({ problem }) {
  const id = problem?.request_id;
  return id ? h("p", { class: "small mono" }, t("requestId", { id })) : null;
}
