// Shows an error: what happened, the request's id for the operator, and a retry button.

import { apiUrl, CallFailed } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

export function errorBox(error, retry) {
  const again = error.status === 401 ? () => location.reload() : retry; // a reload fetches the current token
  return h(
    "div",
    { class: "notice" },
    h(
      "div",
      {},
      h("p", { class: "notice-title" }, t("errorTitle")),
      h("p", {}, describe(error)),
      ...fieldErrors(error),
      requestId(error),
    ),
    h("button", { type: "button", class: "button", onclick: again }, t("retry")),
  );
}

function describe(error) {
  if (!(error instanceof CallFailed)) return String(error.message ?? error);
  if (error.status === 0) return error.toShop ? t("errorShop") : t("errorNetwork", addresses());
  if (error.status === 401) return t("errorUnauthorised");
  const text = error.problem.detail ?? error.problem.title ?? t("errorUnexpected", { status: error.status });
  return error.retryAfter ? `${text} ${t("retryAfter", { seconds: error.retryAfter })}` : text;
}

const addresses = () => ({ url: apiUrl(), origin: location.origin });

function fieldErrors(error) {
  const listed = error.problem?.errors;
  if (!Array.isArray(listed)) return [];
  return listed.map((one) => h("p", { class: "small" }, typeof one === "string" ? one : Object.values(one).join(": ")));
}

function requestId(error) {
  const id = error.problem?.request_id;
  return id ? h("p", { class: "small mono" }, t("requestId", { id })) : null;
}
