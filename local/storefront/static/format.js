// Formats numbers, money and dates in the page's language. For display only, not for calculations.

import { locale } from "./i18n.js";

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** "+1,100" or "−40" */
export const signed = (value) =>
  new Intl.NumberFormat(locale(), { signDisplay: "exceptZero" }).format(value).replace("-", "−");

export const percent = (share) => new Intl.NumberFormat(locale(), { style: "percent" }).format(share);

export function money(amount, currency, options = {}) {
  const format = { style: "currency", currency, trailingZeroDisplay: "stripIfInteger", ...options };
  return new Intl.NumberFormat(locale(), format).format(Number(amount));
}

/** The price of one credit needs more digits than a currency has. */
export const unitPrice = (amount, currency) =>
  money(amount, currency, { currencyDisplay: "narrowSymbol", minimumFractionDigits: 2, maximumFractionDigits: 4 });

export const day = (iso) => new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(new Date(iso));

export const moment = (iso) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
