// Who has signed in: their token, which stays in this tab alone, and what it says of them.

import { tab } from "./memory.js";

const STORAGE_KEY = "topup.console.token";

let current = tab.read(STORAGE_KEY);
let roles = { claim: "role", claim_is_list: false, admin: "admin", support: "support" };

export const token = () => current;
export const useRoles = (configured) => (roles = configured);

export function signIn(text) {
  current = text.trim();
  tab.write(STORAGE_KEY, current);
}

export function signOut() {
  current = null;
  tab.remove(STORAGE_KEY);
}

/** Take the token out of an address such as …/console#token=eyJ…, before anybody can read it there. */
export function takeTokenFromAddress() {
  const [, found] = /^#token=([^&]+)$/.exec(location.hash) ?? [];
  if (!found) return;
  history.replaceState(null, "", location.pathname);
  signIn(decodeURIComponent(found));
}

/** Whether the text has the form of a token; whether it is valid only the API can say. */
export const looksLikeToken = (text) => claimsOf(text.trim()) !== null;

/** The user id of the token. */
export const userId = () => String(claimsOf(current)?.sub ?? "");

export const isAdmin = () => hasRole(roles.admin);

/** admin, support or none */
export const role = () => (isAdmin() ? "admin" : hasRole(roles.support) ? "support" : "none");

/** For what is shown, never for what is allowed: the API compares as this does, and its 403 is what counts. */
function hasRole(role) {
  const found = at(roles.claim, claimsOf(current) ?? {});
  if (roles.claim_is_list) return Array.isArray(found) && found.includes(role);
  return found === true ? role === "true" : found === role;
}

/** The claim of this name, else what a path such as `realm_access.roles` leads to. */
function at(path, claims) {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split(".").reduce((found, name) => (found !== null && typeof found === "object" ? found[name] : undefined), claims);
}

function claimsOf(text) {
  try {
    const payload = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims !== null && typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}
