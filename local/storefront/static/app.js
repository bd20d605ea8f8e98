// The demo shop's page: loads the configuration, the packages, the account and the payment that is under way.

import { loadMoreHistory, loadMorePayments, refreshAccount, showAccount } from "./account.js";
import { isSimulated, loadConfig } from "./api.js";
import { replacePayment } from "./data.js";
import { byId } from "./dom.js";
import { whenEnded } from "./discard.js";
import { errorBox } from "./errors.js";
import { setLanguage, t, translatePage } from "./i18n.js";
import { showPackages, stopBuying } from "./packages.js";
import { paymentEnded, showPayment, watchReturnedPayment, watchUnfinishedPayment } from "./payment.js";

let config = null;

async function start() {
  try {
    config = await loadConfig();
  } catch (error) {
    byId("packages").replaceChildren(errorBox(error, start));
    return;
  }
  showStaticParts();
  const isReturning = watchReturnedPayment(reload);
  const [, hasAccount] = await Promise.all([showPackages(), refreshAccount()]);
  showEverything();
  if (!isReturning && hasAccount) watchUnfinishedPayment(reload);
}

/** Load the account after a payment's status has changed. */
async function reload(payment) {
  await refreshAccount();
  replacePayment(payment);
  showEverything();
}

async function showEverything() {
  await showPackages(); // it has the packages' names, which the others show
  showAccount();
  showPayment();
}

function showStaticParts() {
  translatePage();
  if (!config) return;
  byId("user").textContent = config.user_id ? t("signedInAs", { user: config.user_id }) : "";
  byId("demo-route").textContent = t(isSimulated() ? "demoSimulator" : "demoStripe");
}

async function switchLanguage(language) {
  setLanguage(language);
  showStaticParts();
  if (!config) return;
  showEverything();
  await refreshAccount(); // it names packages that are off sale
  showEverything();
}

whenEnded(async (payment) => {
  paymentEnded(payment);
  await reload(payment);
});
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => switchLanguage(button.dataset.language));
byId("refresh").addEventListener("click", async () => {
  await refreshAccount();
  showEverything();
});
byId("history-more").addEventListener("click", loadMoreHistory);
byId("payments-more").addEventListener("click", loadMorePayments);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    stopBuying();
    start();
  }
});

translatePage();
start();
