// The demo shop's page: load the configuration, then packages, account and, for a returning buyer, the payment.

import { loadAccount, loadMoreHistory, loadMorePayments, notePayment, showAccount } from "./account.js";
import { isSimulated, loadConfig } from "./api.js";
import { byId } from "./dom.js";
import { errorBox } from "./errors.js";
import { setLanguage, t, translatePage } from "./i18n.js";
import { showPackages, stopBuying } from "./packages.js";
import { showPaymentAgain, watchReturnedPayment } from "./payment.js";

let config = null;

async function start() {
  try {
    config = await loadConfig();
  } catch (error) {
    byId("packages").replaceChildren(errorBox(error, start));
    return;
  }
  showFixedParts();
  showPackages();
  loadAccount();
  watchReturnedPayment(async (payment) => {
    await loadAccount();
    notePayment(payment);
    showAccount();
  });
}

function showFixedParts() {
  translatePage();
  if (!config) return;
  byId("user").textContent = config.user_id ? t("signedInAs", { user: config.user_id }) : "";
  byId("demo-route").textContent = t(isSimulated() ? "demoSimulator" : "demoStripe");
}

function speak(language) {
  setLanguage(language);
  showFixedParts();
  if (!config) return;
  showPackages();
  showAccount();
  showPaymentAgain();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => speak(button.dataset.language));
byId("refresh").addEventListener("click", loadAccount);
byId("history-more").addEventListener("click", loadMoreHistory);
byId("payments-more").addEventListener("click", loadMorePayments);
window.addEventListener("pageshow", (event) => event.persisted && stopBuying());

translatePage();
start();
