// Formats numbers, money and dates in the page's language, each in one way. For display only, not for calculations.

import { now } from "./api.js";
import { locale, t } from "./i18n.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUS = "−"; // as wide as a plus; the formats of most languages have a hyphen

const format = (value, options) => new Intl.NumberFormat(locale(), options).format(value).replace("-", MINUS);

export const number = (value) => format(value);

/** "+1,100" or "−40" */
export const signed = (value) => format(value, { signDisplay: "exceptZero" });

export const percent = (share) => format(share, { style: "percent" });

/** A bonus of the catalogue: 17.5 → "17.5%" */
export const bonus = (given) => format(given / 100, { style: "percent", maximumFractionDigits: 2 });

/** "12 months" */
export const months = (count) => format(count, { style: "unit", unit: "month", unitDisplay: "long" });

/** "CN¥100.00", always with all decimals, as on the pay page. */
export const money = (amount, currency) => format(Number(amount), { style: "currency", currency });

/** The price of one credit needs more digits than a currency has. */
export const unitPrice = (amount, currency) =>
  format(Number(amount), { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** A date that no line breaks. */
const date = (iso, options) => new Intl.DateTimeFormat(locale(), options).format(new Date(iso)).replaceAll(" ", "\u00a0");

export const day = (iso) => date(iso, { dateStyle: "long" });

export const moment = (iso) => date(iso, { dateStyle: "medium", timeStyle: "short" });

/** A time of the next hours: "12:15", with its day where that is another one. */
export const timeOfDay = (iso) =>
  day(iso) === day(now()) ? date(iso, { timeStyle: "short" }) : moment(iso);

/** Milliseconds until a time; negative when it has passed. */
const until = (iso) => new Date(iso).getTime() - now();

export const isSoon = (iso, withinMs) => Boolean(iso) && until(iso) <= withinMs;

/** The day of an expiry; in the last week, and for a week after it, the hour as well, because then it decides. */
export const expiry = (iso) => (Math.abs(until(iso)) < 7 * DAY_MS ? moment(iso) : day(iso));

export const validUntil = (iso) => t("validUntil", { date: expiry(iso) });

/** "in 30 days", "in 5 hours" */
export function relative(iso) {
  const rest = until(iso);
  const [amount, unit] = rest < 2 * DAY_MS ? [Math.floor(rest / HOUR_MS), "hour"] : [Math.floor(rest / DAY_MS), "day"];
  if (amount < 1) return t("withinTheHour");
  return new Intl.RelativeTimeFormat(locale()).format(amount, unit);
}
