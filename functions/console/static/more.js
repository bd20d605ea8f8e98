// A button that loads the next page of a list.

import { button } from "./dom.js";
import { errorBox } from "./errors.js";
import { t } from "./i18n.js";

/** null where there is no next page; `load` gets a cursor, shows its page and returns the next cursor. */
export function moreButton(cursor, load) {
  if (!cursor) return null;
  const more = button(t("loadMore"), async () => {
    more.disabled = true;
    try {
      cursor = await load(cursor);
      if (!cursor) more.remove();
    } catch (error) {
      more.after(errorBox(error));
    }
    more.disabled = false;
  });
  return more;
}
