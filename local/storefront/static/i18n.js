// The page's texts in both languages. A test checks that the two tables have the same keys.

const en = {
  pageTitle: "Topup – prepaid credits",
  skip: "Skip to the packages",
  language: "Language",
  demoTag: "Local demo shop",
  heroTitle: "Top up your credits",
  heroLead: "Pay once, no subscription. Credits arrive as soon as the payment is confirmed, and you always see when they expire.",
  packages: "Packages",
  credits: "credits",
  perCredit: "{price} per credit",
  bonus: "+{credits} bonus",
  save: "Save {percent}",
  basePrice: "Standard rate",
  bestValue: "Best value",
  buy: "Buy",
  buyPackage: "Buy {name}: {credits} credits for {price}",
  buying: "Opening checkout…",
  account: "Your account",
  signedInAs: "Signed in as {user}",
  refresh: "Refresh",
  balance: "Balance",
  earned: "{credits} credits received in total",
  debt: "You owe {credits} credits. The next credits that you get pay them back first.",
  noLots: "No credits available. Choose a package above to get some.",
  lotLeft: "{remaining} of {granted} left",
  lotExpires: "Expires on {date}",
  lotNeverExpires: "Never expires",
  source_purchase: "Purchase",
  source_grant: "Gift",
  source_adjustment: "Adjustment",
  source_restored: "Restored",
  source_import: "Transferred",
  history: "Credit history",
  noHistory: "Nothing here yet. Credits that you get and spend will appear here.",
  balanceAfter: "Balance {balance}",
  validUntil: "valid until {date}",
  neverExpires: "never expires",
  hasExpired: "expired",
  loadMore: "Load more",
  payments: "Payments",
  noPayments: "No payments yet.",
  paymentLine: "{credits} credits",
  refunded: "{amount} refunded",
  continuePaying: "Continue payment",
  chooseOutcome: "Choose the outcome",
  status_pending: "Awaiting payment",
  status_processing: "Confirming",
  status_succeeded: "Paid",
  status_failed: "Failed",
  status_expired: "Expired",
  badge_refunded: "Refunded",
  badge_partly_refunded: "Partly refunded",
  badge_disputed: "Disputed",
  badge_under_review: "Being checked",
  type_purchased: "Purchase",
  type_granted: "Gift",
  type_spent: "Spent",
  type_expired: "Expired",
  type_refunded: "Refund",
  type_refund_reversed: "Refund reversed",
  type_disputed: "Chargeback",
  type_dispute_reversed: "Chargeback reversed",
  type_adjusted: "Adjustment",
  checkingTitle: "Checking your payment…",
  checkingText: "Please wait while we get the latest status.",
  pendingTitle: "Confirming your payment…",
  pendingText: "This usually takes a few seconds.",
  openTitle: "This payment is still open",
  openText: "Nothing has been charged yet. You can continue where you left off.",
  processingTitle: "The payment is being confirmed",
  processingText: "Alipay or WeChat Pay is still confirming the payment. You can close this page; the credits will arrive automatically.",
  chooseOutcomeInSimulator: "Choose the outcome in the simulator",
  reviewTitle: "We received your payment and are checking it",
  reviewText: "The payment does not match the order exactly, so a person looks at it. You need not pay again.",
  reviewReference: "Reference: {id}",
  reviewLine: "You need not pay again. Reference: {id}",
  succeededTitle: "Paid – {credits} credits added",
  succeededText: "Thank you. {amount} paid on {date}.",
  succeededRefunded: "{amount} has been refunded.",
  failedTitle: "The payment was declined",
  failedFinalTitle: "The payment failed",
  failedText: "Nothing was charged. You can try again with another card.",
  failedFinalText: "Nothing was charged. Choose a package to try again.",
  failedReason: "Reason: {reason}",
  tryAnotherCard: "Try another card",
  cancelledTitle: "Payment cancelled",
  cancelledText: "Nothing was charged. You can continue this payment or choose another package.",
  expiredTitle: "This checkout has expired",
  expiredText: "Nothing was charged. Choose a package to start again.",
  choosePackage: "Choose a package",
  stillWaiting: "There is no final result yet. This page has stopped checking; you can check again at any time.",
  checkAgain: "Check again",
  connectionLost: "The last check failed. We will keep trying.",
  close: "Close",
  retry: "Try again",
  errorTitle: "Something went wrong",
  errorNetwork: "The API at {url} cannot be reached, or it does not accept calls from {origin}. Check that the local stack is running and that you opened this page at the right address.",
  errorShop: "The shop's server does not respond. Check that the local stack is still running.",
  errorUnauthorised: "The access token was refused. It may have expired: restart the local stack and reload this page.",
  errorUnknownPayment: "This payment does not exist, or it belongs to another user.",
  errorUnexpected: "The server sent an unexpected response (HTTP {status}).",
  errorNoPayUrl: "The order was created, but the response has no payment address.",
  retryAfter: "Please wait {seconds} s before you try again.",
  requestId: "Request {id}",
  demoNote: "This is a local demo shop for trying Topup. Nothing here is for sale, and no real money is charged.",
  demoSimulator: "Payments go to the Stripe simulator on this machine.",
  demoStripe: "Payments go to Stripe's test mode.",
  testCards: "Test cards",
  cardSucceeds: "succeeds",
  cardDeclined: "is declined",
  cardNoFunds: "has insufficient funds",
  cardThreeD: "requires 3-D Secure",
  cardHint: "Use any future expiry date and any three digits as the security code.",
};

const zh = {
  pageTitle: "Topup – 预付积分",
  skip: "跳到积分套餐",
  language: "语言",
  demoTag: "本地演示商店",
  heroTitle: "为账户充值积分",
  heroLead: "一次付款，无需订阅。付款确认后积分立即到账，到期时间一目了然。",
  packages: "积分套餐",
  credits: "积分",
  perCredit: "每积分 {price}",
  bonus: "多得 {credits} 积分",
  save: "省 {percent}",
  basePrice: "标准单价",
  bestValue: "最划算",
  buy: "购买",
  buyPackage: "购买{name}：{credits} 积分，{price}",
  buying: "正在打开付款页…",
  account: "我的账户",
  signedInAs: "当前用户：{user}",
  refresh: "刷新",
  balance: "余额",
  earned: "累计获得 {credits} 积分",
  debt: "您欠 {credits} 积分，之后获得的积分将优先抵扣。",
  noLots: "没有可用积分。请在上方选择一个套餐。",
  lotLeft: "剩余 {remaining} / {granted}",
  lotExpires: "{date}到期",
  lotNeverExpires: "永不过期",
  source_purchase: "购买",
  source_grant: "赠送",
  source_adjustment: "调整",
  source_restored: "恢复",
  source_import: "转入",
  history: "积分明细",
  noHistory: "还没有记录。获得和使用积分后会显示在这里。",
  balanceAfter: "余额 {balance}",
  validUntil: "有效期至 {date}",
  neverExpires: "永不过期",
  hasExpired: "已过期",
  loadMore: "加载更多",
  payments: "付款记录",
  noPayments: "还没有付款记录。",
  paymentLine: "{credits} 积分",
  refunded: "已退款 {amount}",
  continuePaying: "继续付款",
  chooseOutcome: "选择结果",
  status_pending: "待付款",
  status_processing: "确认中",
  status_succeeded: "已支付",
  status_failed: "付款失败",
  status_expired: "已过期",
  badge_refunded: "已退款",
  badge_partly_refunded: "部分退款",
  badge_disputed: "有争议",
  badge_under_review: "核查中",
  type_purchased: "购买",
  type_granted: "赠送",
  type_spent: "使用",
  type_expired: "过期",
  type_refunded: "退款",
  type_refund_reversed: "退款撤销",
  type_disputed: "拒付",
  type_dispute_reversed: "拒付撤销",
  type_adjusted: "调整",
  checkingTitle: "正在查询付款状态…",
  checkingText: "请稍候，正在获取最新状态。",
  pendingTitle: "正在确认付款…",
  pendingText: "通常只需几秒钟。",
  openTitle: "这笔付款尚未完成",
  openText: "尚未扣款。您可以从上次中断的地方继续。",
  processingTitle: "付款确认中",
  processingText: "支付宝或微信支付仍在确认这笔付款。您可以关闭本页，积分会自动到账。",
  chooseOutcomeInSimulator: "在模拟器中选择结果",
  reviewTitle: "已收到您的付款，正在核查",
  reviewText: "付款与订单不完全一致，工作人员正在核查。您无需再次付款。",
  reviewReference: "付款编号：{id}",
  reviewLine: "您无需再次付款。付款编号：{id}",
  succeededTitle: "付款成功，{credits} 积分已到账",
  succeededText: "感谢购买。已于 {date}支付 {amount}。",
  succeededRefunded: "已退款 {amount}。",
  failedTitle: "付款被拒绝",
  failedFinalTitle: "付款失败",
  failedText: "没有扣款。您可以换一张卡再试。",
  failedFinalText: "没有扣款。请重新选择套餐。",
  failedReason: "原因：{reason}",
  tryAnotherCard: "换一张卡",
  cancelledTitle: "付款已取消",
  cancelledText: "没有扣款。您可以继续这笔付款，或选择其他套餐。",
  expiredTitle: "付款页面已过期",
  expiredText: "没有扣款。请重新选择套餐。",
  choosePackage: "选择套餐",
  stillWaiting: "暂时还没有最终结果。页面已停止自动查询，您可以随时再查一次。",
  checkAgain: "再查一次",
  connectionLost: "刚才的查询没有成功，稍后会自动重试。",
  close: "关闭",
  retry: "重试",
  errorTitle: "出了点问题",
  errorNetwork: "无法连接 {url} 的 API，或者它不接受来自 {origin} 的请求。请确认本地服务正在运行，并且用正确的地址打开了本页。",
  errorShop: "商店服务器没有响应。请确认本地服务仍在运行。",
  errorUnauthorised: "访问令牌被拒绝，可能已过期。请重启本地服务并刷新本页。",
  errorUnknownPayment: "这笔付款不存在，或属于其他用户。",
  errorUnexpected: "服务器返回了意外的响应（HTTP {status}）。",
  errorNoPayUrl: "订单已创建，但响应中没有付款地址。",
  retryAfter: "请等待 {seconds} 秒后再试。",
  requestId: "请求编号 {id}",
  demoNote: "这是用于试用 Topup 的本地演示商店，不出售任何商品，也不会产生真实扣款。",
  demoSimulator: "付款会转到本机的 Stripe 模拟器。",
  demoStripe: "付款会转到 Stripe 测试模式。",
  testCards: "测试卡号",
  cardSucceeds: "付款成功",
  cardDeclined: "被拒绝",
  cardNoFunds: "余额不足",
  cardThreeD: "需要 3-D Secure 验证",
  cardHint: "有效期填任意未来日期，安全码填任意三位数字。",
};

const TABLES = { en, zh };
const STORAGE_KEY = "topup.language";

let language = initialLanguage();

export const currentLanguage = () => language;

/** The visitor's own regional form of the page's language ("en-GB"), for dates and numbers. */
export function locale() {
  const preferred = navigator.languages?.find((tag) => tag.toLowerCase().startsWith(language));
  return preferred ?? (language === "zh" ? "zh-CN" : "en");
}

export function setLanguage(chosen) {
  language = chosen;
  try {
    localStorage.setItem(STORAGE_KEY, chosen);
  } catch {
    // Storage is disabled: the choice lasts until the page is left.
  }
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
  document.title = t("pageTitle");
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-label]"))
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
}

function initialLanguage() {
  let remembered = null;
  try {
    remembered = localStorage.getItem(STORAGE_KEY);
  } catch {
    // Storage is disabled: use the browser's language.
  }
  if (Object.hasOwn(TABLES, remembered ?? "")) return remembered;
  return navigator.language?.toLowerCase().startsWith("zh") ? "zh" : "en";
}
