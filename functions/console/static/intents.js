// What somebody means to do, once: its Idempotency-Key and its values, kept in the tab so that a reload does not lose them.

import { tab } from "./memory.js";

const address = (id) => `topup.console.intent.${id}`;

/** The intent of this id (`grant:alice`) that has no known outcome yet, else a new one with a key of its own. */
export function intentOf(id) {
  return stored(id) ?? save({ id, key: crypto.randomUUID(), values: {}, isSent: false });
}

/** Whether it was sent, and the page was left or the answer lost before its outcome was seen. */
export const isPending = (id) => Boolean(stored(id)?.isSent);

export const sent = (intent, values) => save({ ...intent, values, isSent: true });

/** The API has answered: the next one is another intent. */
export const settled = (intent) => tab.remove(address(intent.id));

function stored(id) {
  try {
    return JSON.parse(tab.read(address(id)));
  } catch {
    return null;
  }
}

function save(intent) {
  tab.write(address(intent.id), JSON.stringify(intent));
  return intent;
}
