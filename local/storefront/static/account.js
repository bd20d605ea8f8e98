// The account: balance, lots, history and payments, shown together; and the warning before credits expire.

import * as api from "./api.js";
import { data, entryOf, loadAccount, loadMore, packageName } from "./data.js";
import { discardButton } from "./discard.js";
import { byId, h, link } from "./dom.js";
import { errorBox } from "./errors.js";
import { expiry, isSoon, moment, money, number, relative, signed, timeOfDay, validUntil } from "./format.js";
import { t, tOr } from "./i18n.js";
import { amountPaid, withinPaid } from "./paid.js";

const DAY_MS = 86_400_000;
const WARN_DAYS = 30;
const SHOWN_HOLDS = 3; // there may be 50
const BRING_CREDITS = ["purchased", "granted"]; // types of entries whose credits have an expiry, or never expire

// The bank has closed the dispute and the shop keeps the money. A lost one stays disputed.
const DISPUTE_IS_OVER = ["won", "warning_closed", "prevented"];

let failure = null; // { error, retry } of the last try to load something

/** Load everything again. True if it worked. */
export async function refreshAccount() {
  byId("refresh").disabled = true;
  await attempt(loadAccount, refreshAccount);
  byId("refresh").disabled = false;
  return failure === null;
}

export const loadMoreHistory = () => more(data.history, byId("history-more"));
export const loadMorePayments = () => more(data.payments, byId("payments-more"));

async function more(target, button) {
  button.disabled = true;
  await attempt(
    () => loadMore(target),
    () => more(target, button),
  );
  button.disabled = false;
}

async function attempt(load, retry) {
  try {
    await load();
    failure = null;
  } catch (error) {
    failure = { error, retry };
  }
  showAccount();
}

// ------------------------------------------------------------------------------------------------- rendering

export function showAccount() {
  const { credits, history, payments } = data;
  byId("account-error").replaceChildren(...(failure ? [errorBox(failure.error, failure.retry)] : []));
  byId("account-columns").hidden = Boolean(failure) && !credits; // there is only the error to show
  if (credits) showCredits(credits);
  showList(byId("history"), history, t("noHistory"), entryRow);
  showList(byId("payments"), payments, t("noPayments"), paymentRow);
  byId("history-more").hidden = !history.cursor;
  byId("payments-more").hidden = !payments.cursor;
}

function showCredits({ balance, debt, total_credits_earned: earned, lots }) {
  byId("balance").textContent = number(balance);
  byId("balance").dataset.balance = String(balance);
  byId("header-balance").hidden = false;
  byId("header-balance-number").textContent = number(balance);
  showHeld(data.credits);
  byId("debt").hidden = !debt;
  byId("debt").textContent = debt ? t("debt", { credits: number(debt) }) : "";
  byId("earned").textContent = t("earned", { credits: number(earned) });
  byId("lots").replaceChildren(...(lots.length ? lots.map(lotRow) : [emptyRow(noLots(data.credits))]));
  showExpiryWarning(lots);
}

function showHeld({ held, available }) {
  byId("held").hidden = !held;
  byId("held-number").textContent = number(held);
  // Less than nothing is available where a refund took credits that were held.
  byId("available-number").textContent = number(Math.max(0, available));
  const [shown, more] = [data.holds.slice(0, SHOWN_HOLDS), data.holds.slice(SHOWN_HOLDS)];
  byId("holds").replaceChildren(...shown.map(holdRow), ...(more.length ? [moreHoldsRow(more)] : []));
}

function holdRow({ hold_id: holdId, description, held, ends_at: endsAt }) {
  const until = t("holdUntil", { credits: number(held), time: timeOfDay(endsAt) });
  return h("li", { dataset: { hold: holdId } }, h("span", {}, description), h("span", { class: "muted" }, until));
}

function moreHoldsRow(holds) {
  return h("li", { class: "muted" }, t("moreHolds", { count: number(holds.length), time: timeOfDay(holds.at(-1).ends_at) }));
}

/** Why there are no credits: a customer of long standing is not told to get started. */
function noLots({ balance, debt, total_credits_earned: earned }) {
  const [newest] = data.history.items;
  if (debt) return t("noLotsOwed");
  if (!earned && !newest) return t("noLotsNew");
  // Credits that have expired are swept a little later: until then the history still counts them.
  if (newest?.transaction_type === "expired" || newest?.balance_after > balance) return t("noLotsExpired");
  const isReturned = ["refunded", "disputed"].includes(newest?.transaction_type);
  return isReturned ? t("noLotsReturned") : t("noLotsUsed");
}

function showExpiryWarning(lots) {
  const soon = lots.filter((lot) => isSoon(lot.expires_at, WARN_DAYS * DAY_MS));
  byId("expiry-warning").hidden = soon.length === 0;
  if (soon.length === 0) return;
  const [{ expires_at: first }] = soon; // the API lists the soonest expiry first
  const sum = (some) => number(some.reduce((total, lot) => total + lot.remaining, 0));
  const next = soon.filter((lot) => expiry(lot.expires_at) === expiry(first));
  const texts = [t("expireSoon", { credits: sum(next), when: relative(first), date: expiry(first) })];
  if (soon.length > next.length) texts.push(t("expireLater", { credits: sum(soon), days: WARN_DAYS }));
  byId("expiry-warning").textContent = texts.join(" ");
}

function lotRow({ lot_id: lotId, source, package: packageId, granted, remaining, expires_at: expiresAt }) {
  const left = t("lotLeft", { remaining: number(remaining), granted: number(granted) });
  const until = expiresAt ? t("lotExpires", { date: expiry(expiresAt) }) : t("lotNeverExpires");
  const origin = packageName(packageId) ?? tOr(`source_${source}`, source);
  const warns = isSoon(expiresAt, WARN_DAYS * DAY_MS);
  return h(
    "li",
    { dataset: { lot: lotId, source } },
    h("p", {}, h("span", {}, left), h("span", { class: warns ? "warn" : "muted" }, `${origin} · ${until}`)),
    h("progress", { max: granted, value: remaining, "aria-label": left }),
  );
}

function showList(element, { items, isLoaded }, emptyText, row) {
  if (isLoaded) element.replaceChildren(...(items.length ? items.map(row) : [emptyRow(emptyText)]));
}

const emptyRow = (text) => h("li", { class: "empty muted" }, text);

function entryRow(entry) {
  const type = entry.transaction_type;
  const sign = entry.amount > 0 ? "plus" : "minus";
  const about = aboutEntry(entry);
  return h(
    "li",
    { dataset: { transaction: entry.id, type } },
    h(
      "div",
      {},
      h("p", { class: "row-title" }, paysDebt(entry) ? t("paysDebt") : tOr(`type_${type}`, type)),
      about ? h("p", { class: "small" }, entry.payment_order_id ? paymentLink(entry.payment_order_id, about) : about) : null,
      h("p", { class: "small muted" }, [moment(entry.created_at), validity(entry)].filter(Boolean).join(" · ")),
    ),
    h(
      "div",
      { class: "row-end" },
      h("p", { class: `amount ${sign}` }, signed(entry.amount)),
      h("p", { class: "small muted" }, t("balanceAfter", { balance: number(entry.balance_after) })),
    ),
  );
}

/** To this page, with the payment that an entry belongs to shown at the top. */
const paymentLink = (id, text) => h("a", { class: "row-link", href: `?payment_id=${encodeURIComponent(id)}` }, text);

/** Whether credits that were left have paid in it what was taken before. */
const paysDebt = ({ transaction_type: type, amount }) => type === "spent" && amount === 0;

/** What an entry is about, in the reader's language: the description is only shown where a service wrote it. */
function aboutEntry(entry) {
  const { transaction_type: type, package: packageId, package_name: kept, description, metadata, reverses } = entry;
  if (paysDebt(entry)) return null;
  if (type === "spent") return description;
  if (type === "spend_reversed") return aboutSpend(entryOf(reverses));
  if (metadata.campaign) return t("campaign", { name: metadata.campaign });
  return packageName(packageId, kept);
}

/** Which spend was given back. */
function aboutSpend(spend) {
  if (!spend) return t("givenBackOfEarlier");
  return t("givenBackOf", { spend: spend.description, date: moment(spend.created_at) });
}

function validity({ transaction_type: type, expires_at: expiresAt, is_expired: isExpired }) {
  if (!expiresAt) return BRING_CREDITS.includes(type) ? t("neverExpires") : null;
  // Its credits may have been spent or refunded long before, so nothing says that they have expired.
  return isExpired ? t("wasValidUntil", { date: expiry(expiresAt) }) : validUntil(expiresAt);
}

function paymentRow(payment) {
  const { status } = payment;
  const badge = badgeOf(payment);
  const name = packageName(payment.package, payment.package_name);
  const credits = t("paymentLine", { credits: number(payment.credits_purchased) });
  return h(
    "li",
    { dataset: { payment: payment.payment_id, status } },
    h(
      "div",
      {},
      h("p", { class: "row-title" }, name ? `${name} · ${credits}` : credits),
      h("p", { class: "small muted" }, moment(payment.created_at)),
      withinPaid(payment) ? h("p", { class: "small" }, withinPaid(payment)) : null,
      payment.amount_refunded
        ? h("p", { class: "small" }, t("refunded", { amount: money(payment.amount_refunded, payment.currency) }))
        : null,
      payment.under_review ? h("p", { class: "small" }, t("reviewLine", { id: payment.payment_id })) : null,
      h("p", { class: "row-actions" }, payPageLink(payment), discardButton(payment, "row-link", showFailure)),
    ),
    h(
      "div",
      { class: "row-end" },
      h("p", { class: "amount" }, money(amountPaid(payment), payment.currency)),
      h("p", {}, h("span", { class: `badge ${badge}` }, tOr(`badge_${badge}`, tOr(`status_${badge}`, badge)))),
    ),
  );
}

/** A payment could not be discarded: the account says what it is by now. */
async function showFailure(error) {
  if (await refreshAccount()) failure = { error, retry: refreshAccount };
  showAccount();
}

/** What the badge says: the payment's status, or what has become of its money since. */
function badgeOf(payment) {
  const { status, under_review: isUnderReview, disputes = [], amount_refunded: refunded } = payment;
  if (isUnderReview) return "under_review";
  if (disputes.some((dispute) => !DISPUTE_IS_OVER.includes(dispute.status))) return "disputed";
  if (!refunded) return status;
  return refunded < amountPaid(payment) ? "partly_refunded" : "refunded";
}

/** A link to the pay page, if the payment can still change there. */
function payPageLink({ status, may_retry: mayRetry, payment_url: address }) {
  if (status === "pending" || mayRetry) return link(address, t("continuePaying"), "row-link");
  return status === "processing" && api.isSimulated() ? link(address, t("chooseOutcome"), "row-link") : null;
}
