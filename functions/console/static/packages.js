// The names of packages in the page's language; what is off sale keeps its id.

import * as api from "./api.js";
import { currentLanguage } from "./i18n.js";

const catalogues = {};

/** Names are a convenience: without them the page shows ids. */
export async function loadPackages() {
  const language = currentLanguage();
  try {
    catalogues[language] ??= await api.packages(language);
  } catch {
    // The ids will do.
  }
}

export const packageName = (id) => catalogues[currentLanguage()]?.packages[id]?.name ?? id;
