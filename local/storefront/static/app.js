// The demo shop's page: loads the configuration, the packages, the account and a returning buyer's payment.

import { loadAccount, loadMoreHistory, loadMorePayments, replacePayment, showAccount } from "./account.js";
import { isSimulated, loadConfig } from "./api.js";
import { byId } from "./dom.js";
import { errorBox } from "./errors.js";
import { setLanguage, t, translatePage } from "./i18n.js";
import { showPackages, stopBuying } from "./packages.js";
import { showPayment, watchReturnedPayment } from "./payment.js";

let config = null;

async function start() {
  try {
    config = await loadConfig();
  } catch (error) {
    byId("packages").replaceChildren(errorBox(error, start));
    return;
  }
  showStaticParts();
  showPackages();
  loadAccount();
  watchReturnedPayment(async (payment) => {
    await loadAccount();
    replacePayment(payment);
    showAccount();
  });
}

function showStaticParts() {
  translatePage();
  if (!config) return;
  byId("user").textContent = config.user_id ? t("signedInAs", { user: config.user_id }) : "";
  byId("demo-route").textContent = t(isSimulated() ? "demoSimulator" : "demoStripe");
}

function switchLanguage(language) {
  setLanguage(language);
  showStaticParts();
  if (!config) return;
  showPackages();
  showAccount();
  showPayment();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => switchLanguage(button.dataset.language));
byId("refresh").addEventListener("click", loadAccount);
byId("history-more").addEventListener("click", loadMoreHistory);
byId("payments-more").addEventListener("click", loadMorePayments);
window.addEventListener("pageshow", (event) => event.persisted && stopBuying());

translatePage();
start();
