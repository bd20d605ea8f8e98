// A user's open lots as bars, the soonest expiry first, and the holds that reserve credits.

import { h, link, panel } from "./dom.js";
import { day, moment, number, relative } from "./format.js";
import { t, tOr } from "./i18n.js";
import { packageName } from "./packages.js";
import { paymentAddress } from "./search.js";

export function lotsPanel(lots) {
  if (!lots.length) return panel(t("lots"), h("p", { class: "muted" }, t("noLots")));
  return panel(t("lots"), h("ul", { id: "lots", class: "rows" }, lots.map(lotRow)));
}

function lotRow({ lot_id: lotId, payment_id: paymentId, source, package: packageId, granted, remaining, expires_at: expiresAt }) {
  const origin = packageId ? packageName(packageId) : tOr(`source_${source}`, source);
  const left = t("lotLeft", { remaining: number(remaining), granted: number(granted) });
  return h(
    "li",
    { dataset: { lot: lotId } },
    h(
      "div",
      { class: "row" },
      h("span", {}, paymentId ? link(paymentAddress(paymentId), origin) : origin),
      h("span", {}, left),
    ),
    h("progress", { max: granted, value: remaining, "aria-label": `${origin}: ${left}` }),
    h("p", { class: "small muted" }, expiresAt ? t("lotExpires", { date: day(expiresAt), when: relative(expiresAt) }) : t("lotNeverExpires")),
  );
}

export function holdsPanel(holds) {
  if (!holds.length) return null;
  return panel(t("holds"), h("ul", { id: "holds", class: "rows" }, holds.map(holdRow)));
}

function holdRow({ hold_id: holdId, description, held, amount, actor, overrun, ends_at: endsAt }) {
  return h(
    "li",
    { dataset: { hold: holdId } },
    h("div", { class: "row" }, h("span", {}, description), h("span", {}, t("lotLeft", { remaining: number(held), granted: number(amount) }))),
    h("p", { class: "small muted" }, [actor, t(`overrun_${overrun}`), t("holdEnds", { time: moment(endsAt) })].join(" · ")),
  );
}
