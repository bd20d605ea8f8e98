"""The pay page's texts, in English and Chinese."""

from typing import Any

ENGLISH = {
    "language": "en",
    "title": "Pay",
    "notice": "Local simulator.",
    "notice_detail": "No real payment is made here. What works here may still fail with the real Stripe.",
    "back": "Back",
    "order": "Your order",
    "quantity": "Qty",
    "each": "each",
    "subtotal": "Subtotal",
    "discount": "Discount",
    "tax": "Tax",
    "tax_inclusive": "Tax (included)",
    "tax_pending": "Choose a country",
    "total": "Total",
    "total_due": "Total due",
    "presented": "You pay {amount}",
    "promotion_code": "Promotion code",
    "promotion_code_hint": "Codes of the simulator: {codes}",
    "country": "Country",
    "country_hint": "Simulated tax rates. Real tax depends on more than the country.",
    "choose": "Choose…",
    "country_CN": "China",
    "country_DE": "Germany",
    "country_FR": "France",
    "country_GB": "United Kingdom",
    "country_HK": "Hong Kong",
    "country_JP": "Japan",
    "country_US": "United States",
    "currency": "Currency",
    "currency_hint": "Simulated exchange rates.",
    "update": "Update total",
    "free": "Nothing to pay",
    "free_detail": "The discount covers the whole price. No card is needed.",
    "complete_order": "Complete order",
    "method": "Payment method",
    "or_card": "Or pay by card",
    "card_number": "Card number",
    "expiry": "Expiry",
    "expiry_hint": "MM / YY",
    "cvc": "Security code",
    "cvc_hint": "CVC",
    "pay": "Pay {amount}",
    "paying": "Please wait…",
    "test_cards": "Test cards",
    "test_cards_hint": "Click a card to fill in the form. No other number works.",
    "card_4242424242424242": "Succeeds",
    "card_4000000000009995": "Insufficient funds",
    "card_4000000000000002": "Declined",
    "card_4000002500003155": "Requires 3-D Secure",
    "card_4000000000000259": "Succeeds, is disputed",
    "card_4000000000001976": "Succeeds, bank inquires",
    "alipay": "Alipay",
    "wechat_pay": "WeChat Pay",
    "delayed_hint": "These complete the order now; the money arrives later.",
    "challenge": "3-D Secure check",
    "challenge_detail": "The bank asks you to confirm this payment of {amount}.",
    "challenge_complete": "Complete",
    "challenge_fail": "Fail",
    "paid": "Paid",
    "paid_detail": "The payment of {amount} is complete.",
    "ordered": "Order complete",
    "ordered_detail": "There was nothing to pay.",
    "processing": "Payment processing",
    "processing_detail": "The order is complete, but {amount} has not arrived yet. Choose the outcome:",
    "settle_succeed": "Let it succeed",
    "settle_fail": "Let it fail",
    "failed": "Payment failed",
    "failed_detail": "The order is complete, but {amount} did not arrive.",
    "expired": "This session has expired",
    "expired_detail": "Nothing was paid. Go back and start again.",
    "unknown": "No such session",
    "unknown_detail": "The link is wrong, or the simulator was restarted. It keeps its data in memory only.",
    "to_shop": "Return to the shop",
    "receipt": "Receipt",
    "invoice": "Invoice",
    "number": "Number",
    "date": "Date",
    "amount_paid": "Paid",
    "amount_refunded": "Refunded",
    "not_a_document": "This page has no value as a receipt: the payment was simulated.",
}

CHINESE = {
    "language": "zh",
    "title": "付款",
    "notice": "本地模拟器。",
    "notice_detail": "这里不会发生真实付款。在这里可行，在真实的 Stripe 上仍可能失败。",
    "back": "返回",
    "order": "订单",
    "quantity": "数量",
    "each": "每件",
    "subtotal": "小计",
    "discount": "优惠",
    "tax": "税费",
    "tax_inclusive": "税费（已含）",
    "tax_pending": "请选择国家或地区",
    "total": "总额",
    "total_due": "应付总额",
    "presented": "您支付 {amount}",
    "promotion_code": "优惠码",
    "promotion_code_hint": "模拟器的优惠码：{codes}",
    "country": "国家或地区",
    "country_hint": "税率为模拟数据。真实税费不只取决于国家或地区。",
    "choose": "请选择…",
    "country_CN": "中国",
    "country_DE": "德国",
    "country_FR": "法国",
    "country_GB": "英国",
    "country_HK": "中国香港",
    "country_JP": "日本",
    "country_US": "美国",
    "currency": "币种",
    "currency_hint": "汇率为模拟数据。",
    "update": "更新总额",
    "free": "无需付款",
    "free_detail": "优惠抵扣了全部价格，不需要银行卡。",
    "complete_order": "完成订单",
    "method": "付款方式",
    "or_card": "或使用银行卡",
    "card_number": "卡号",
    "expiry": "有效期",
    "expiry_hint": "月 / 年",
    "cvc": "安全码",
    "cvc_hint": "CVC",
    "pay": "支付 {amount}",
    "paying": "请稍候…",
    "test_cards": "测试卡",
    "test_cards_hint": "点击即可填入表单，其他卡号一律无效。",
    "card_4242424242424242": "付款成功",
    "card_4000000000009995": "余额不足",
    "card_4000000000000002": "被拒绝",
    "card_4000002500003155": "要求 3-D Secure 验证",
    "card_4000000000000259": "成功，随后被拒付",
    "card_4000000000001976": "成功，随后银行查询",
    "alipay": "支付宝",
    "wechat_pay": "微信支付",
    "delayed_hint": "订单立即完成，款项稍后到账。",
    "challenge": "3-D Secure 验证",
    "challenge_detail": "银行要求您确认这笔 {amount} 的付款。",
    "challenge_complete": "完成验证",
    "challenge_fail": "验证失败",
    "paid": "已付款",
    "paid_detail": "{amount} 已支付完成。",
    "ordered": "订单已完成",
    "ordered_detail": "这笔订单无需付款。",
    "processing": "付款处理中",
    "processing_detail": "订单已完成，但 {amount} 尚未到账。请选择结果：",
    "settle_succeed": "让它成功",
    "settle_fail": "让它失败",
    "failed": "付款失败",
    "failed_detail": "订单已完成，但 {amount} 没有到账。",
    "expired": "此会话已过期",
    "expired_detail": "没有付款。请返回后重新开始。",
    "unknown": "找不到此会话",
    "unknown_detail": "链接有误，或者模拟器已重启。它的数据只保存在内存中。",
    "to_shop": "返回商店",
    "receipt": "收据",
    "invoice": "账单",
    "number": "编号",
    "date": "日期",
    "amount_paid": "已付",
    "amount_refunded": "已退款",
    "not_a_document": "此页不能作为凭证：付款只是模拟的。",
}

# By Stripe's decline code or error code. A page in Chinese says nothing in Stripe's English.
ERRORS_IN_CHINESE = {
    "generic_decline": "您的银行卡被拒绝。",
    "insufficient_funds": "您的银行卡余额不足。",
    "payment_intent_authentication_failure": "无法验证您的付款方式，请换一种方式再试。",
    "incorrect_number": "卡号不正确。",
    "card_declined": "您的银行卡被拒绝：这是测试模式，但所用的不是测试卡。",
    "invalid_expiry": "有效期不完整。",
    "expired_card": "银行卡已过期。",
    "incorrect_cvc": "安全码不完整。",
    "promotion_code_invalid": "优惠码无效。",
    "country_missing": "请先选择国家或地区，再更新总额。",
    "amount_too_small": "优惠后的总额太小，无法收款。",
}
OTHER_ERROR_IN_CHINESE = "付款没有成功，请重试或换一种付款方式。"


def texts_for(locale: str | None, accept_language: str) -> dict[str, str]:
    """locale: the session's. Unless it is `auto`, it takes precedence over the browser's languages."""
    languages = accept_language if locale in (None, "auto") else str(locale)
    return CHINESE if preferred(languages) == "zh" else ENGLISH


def preferred(accept_language: str) -> str:
    """The most preferred language that the page has."""
    for language in sorted(accept_language.lower().split(","), key=quality, reverse=True):
        name = language.split(";")[0].strip().split("-")[0]
        if name in ("zh", "en"):
            return name
    return "en"


def quality(language: str) -> float:
    _, _, q = language.partition("q=")
    try:
        return float(q or 1)
    except ValueError:
        return 0


def error_text(texts: dict[str, str], error: dict[str, Any]) -> str:
    """error: `message`, and `code` and `decline_code` if it has them."""
    message = str(error["message"])
    if texts is ENGLISH:
        return message
    return ERRORS_IN_CHINESE.get(error.get("decline_code") or error.get("code") or "", OTHER_ERROR_IN_CHINESE)
