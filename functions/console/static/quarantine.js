// Why a payment was quarantined, in words: "session: paid cs_1, ordered cs_2; currency: paid EUR, ordered CNY".

import { t, tOr } from "./i18n.js";

const DIFFERENCE = /^([\w ]+): paid (.+), ordered (.+)$/;

/** A line for each thing that differs; what has another form stays as the API words it. */
export const reasonsOf = (text) => (text ?? "").split("; ").filter(Boolean).map(worded);

function worded(part) {
  const [, name, paid, ordered] = DIFFERENCE.exec(part) ?? [];
  if (!name) return part;
  return t("differs", { what: tOr(`differs_${name.replaceAll(" ", "_")}`, name), paid, ordered });
}
