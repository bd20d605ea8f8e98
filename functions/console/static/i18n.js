// The page's two languages. A test checks that both tables have the same keys.

import { local } from "./memory.js";
import { en } from "./texts_en.js";
import { zh } from "./texts_zh.js";

const TABLES = { en, zh };
const STORAGE_KEY = "topup.console.language";

let language = initialLanguage();

export const currentLanguage = () => language;

/** The reader's own regional form of the page's language ("en-GB"), for dates and numbers. */
export function locale() {
  const preferred = navigator.languages?.find((tag) => tag.toLowerCase().startsWith(language));
  return preferred ?? (language === "zh" ? "zh-CN" : "en");
}

export function setLanguage(chosen) {
  language = chosen;
  local.write(STORAGE_KEY, chosen);
}

export function t(key, values = {}) {
  return TABLES[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The text for a value of the API, or `fallback` if the page does not know the value. */
export function tOr(key, fallback) {
  return Object.hasOwn(TABLES[language], key) ? t(key) : fallback;
}

/** Translate the static parts of the page. */
export function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-label]"))
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  for (const one of document.querySelectorAll("[data-language]"))
    one.setAttribute("aria-pressed", String(one.dataset.language === language));
}

function initialLanguage() {
  const remembered = local.read(STORAGE_KEY);
  if (Object.hasOwn(TABLES, remembered ?? "")) return remembered;
  return navigator.language?.toLowerCase().startsWith("zh") ? "zh" : "en";
}
