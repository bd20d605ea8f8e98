// What the browser remembers between visits: the payment under way, and the payments that the visitor has put aside.

const UNDER_WAY = "topup.payment";
const ASIDE = "topup.dismissed";
const MOST_ASIDE = 50;

export function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is disabled
  }
}

export function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is disabled: nothing is remembered after the page is left.
  }
}

export const remember = (paymentId, language) => write(UNDER_WAY, `${paymentId} ${language}`);

/** The payment under way, and the language that its pay page speaks; both undefined if there is none. */
export function remembered() {
  const [id, language] = (read(UNDER_WAY) ?? "").split(" ").filter(Boolean);
  return { id, language };
}

export const forget = () => write(UNDER_WAY, null);

const aside = () => (read(ASIDE) ?? "").split(" ").filter(Boolean);

export const isPutAside = (paymentId) => aside().includes(paymentId);
export const putAside = (paymentId) => write(ASIDE, [...aside(), paymentId].slice(-MOST_ASIDE).join(" "));
