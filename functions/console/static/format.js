// Formats numbers, money and dates in the page's language, each in one way. For display only, not for calculations.

import { now } from "./api.js";
import { locale } from "./i18n.js";

const DAY_MS = 86_400_000;
const MINUS = "−"; // as wide as a plus; the formats of most languages have a hyphen

const format = (value, options) => new Intl.NumberFormat(locale(), options).format(value).replace("-", MINUS);

export const number = (value) => format(value);

/** "+1,100" or "−40" */
export const signed = (value) => format(value, { signDisplay: "exceptZero" });

/** "CN¥100.00", always with all decimals. */
export const money = (amount, currency) => format(Number(amount), { style: "currency", currency });

const date = (iso, options) => new Intl.DateTimeFormat(locale(), options).format(new Date(iso));

export const day = (iso) => date(iso, { dateStyle: "medium" });

/** To the second: support compares it with logs and with Stripe's Dashboard. */
export const moment = (iso) => date(iso, { dateStyle: "medium", timeStyle: "medium" });

/** "in 30 days", "3 hours ago" */
export function relative(iso) {
  const milliseconds = new Date(iso).getTime() - now();
  const units = [["day", DAY_MS], ["hour", 3_600_000], ["minute", 60_000]];
  const [unit, size] = units.find(([, one]) => Math.abs(milliseconds) >= one) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(Math.trunc(milliseconds / size), unit);
}

/** The ends of a long id, which tell two of them apart; the whole one is where it can be copied. */
export const clipped = (id) => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
