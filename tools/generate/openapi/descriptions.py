"""What each field of a request or a response means: by its name, and by schema where the name is not enough."""

from collections.abc import Mapping

OF_ALL: Mapping[str, str] = {
    "available_after": "What may be spent or held after this request, as it was then",
    "age_seconds": "While it is `processing`: how long ago it was created. For administrators and support staff",
    "amount_refunded": "What has been refunded of `amount`, in major units",
    "balance_after": "The balance after this change, as it was then",
    "campaign": "With it, a user gets these credits once, whatever the key: the campaign's name",
    "created_at": "When it began, in UTC",
    "ends_at": "When it ends by itself, in UTC",
    "overrun": "What captures do about more than is held",
    "credits_purchased": "The credits that this payment buys; fixed when it was created",
    "credits_refunded": "The credits that have been taken back for what was refunded",
    "debt": "Credits that are owed because a refund or a dispute found too few left; the next credits pay it first",
    "description": "What it was for, as the user reads it",
    "disputes": "The payment's disputes, oldest first; absent where there is none",
    "error_message": "Why the last attempt to pay failed, in Stripe's words; null where Stripe gave no reason",
    "expires_at": "When the credits expire, in UTC; null = never",
    "fraud_warning": "The card's issuer believes that it was fraud. For administrators and support staff",
    "lot": "The credits that it granted, as they are now. For administrators and support staff",
    "lot_id": "The id of these credits",
    "lots": "The credits that are left, soonest expiry first",
    "may_retry": "Whether the buyer may try again, with another card, at the same `payment_url`",
    "metadata": "What the caller has noted with it",
    "next_cursor": "Send it as `cursor` to get the next page; null on the last page",
    "paid_at": "When the payment succeeded, in UTC; null before",
    "package_name": "The package's name in the language `lang`; absent without `lang`, null without a payment",
    "payment_id": "The payment's id",
    "payment_url": "Stripe's page where the buyer pays; it names the session when the payment has ended",
    "price": "What it costs, in major units with all decimals, as text",
    "quarantine_reason": "Why the payment is under review; null where it is not. For administrators and support staff",
    "reason": "Why, for your records; null where nobody said it",
    "receipt": "With `expand=receipt`: Stripe's pages for the buyer; both null until the payment has succeeded",
    "refund_id": "Stripe's id of the refund; ours until Stripe has one",
    "release_quote": "With `expand=release_quote`: what each decision would do now; null where none is to be made",
    "releases": "How its quarantines were ended, oldest first. For administrators and support staff",
    "refused_besides": "More payments of the order that were refused. For administrators and support staff",
    "refunds": "The payment's refunds, oldest first; absent where there is none",
    "stripe": "What the payment is called at Stripe. For administrators and support staff",
    "transaction_id": "The id of the ledger entry, which the user's transactions list",
    "user_id": "The user's id: the `sub` of their token",
}
OF_A_HOLD: Mapping[str, str] = {
    "amount": "All that has been reserved by it",
    "captured": "What captures have taken in all",
    "status": "Where the hold stands",
}
OF_SCHEMA: Mapping[str, Mapping[str, str]] = {
    "AdjustmentBody": {
        "amount": "Credits up (positive) or down (negative, never more than there are)",
        "reason": "Why; administrators read it with the entry",
    },
    "AdjustmentReceipt": {"lot_id": "The id of the credits that were given; null where credits were taken"},
    "AnyAmountPackage": {
        "max": "The largest amount, in major units with all decimals, as text",
        "min": "The smallest amount, in major units with all decimals, as text",
        "name": "Its name, in the language that was asked for",
        "step": "The amount is a multiple of this",
        "tiers": "More credits from an amount on, the smallest amount first",
        "unit_price": "The price of one credit without a bonus, in major units",
    },
    "BatchBody": {"items": "The spends: 1 to 40"},
    "BatchItemBody": {"amount": "How many credits to spend", "key": "The Idempotency-Key of this spend"},
    "BatchReceipt": {"items": "The spends, in the order of the request"},
    "CaptureBody": {
        "amount": "How many credits were used",
        "description": "What it was for, as the user reads it; absent = what the hold says",
        "final": "false = more captures will come; true or absent = the rest is available again",
    },
    "CaptureReceipt": {
        "amount": "All that has been reserved by it",
        "amount_captured": "What this capture has taken",
        "captured": "What captures have taken in all",
        "late": "Whether the hold was over, so that what was taken was not reserved any more",
        "shortfall": "What this capture asked for and could not take",
        "status": "Where the hold stands",
        "transaction_id": "The id of the ledger entry; null where nothing was taken",
    },
    "Catalogue": {
        "credit_value_rmb": "What one credit is worth, in CNY",
        "packages": "The packages on sale, by their id",
    },
    "Checkout": {
        "amount": "The price in major units, as text; the payment's status has it as a number",
        "status": "`pending`, until the buyer pays; a repeated request gets what it is by now",
    },
    "CheckoutBody": {
        "package": "The id of a package on sale",
        "return_url": (
            "Where the buyer comes back to: an address of one of the configured origins; by default the first of them. "
            "`payment_id` and `status` (`success` or `cancelled`) are added to its query, and nothing else is changed; "
            "Stripe fills in {CHECKOUT_SESSION_ID}. The status is a hint for the page, no proof"
        ),
    },
    "Credits": {"total_credits_earned": "All credits that the user has ever been given"},
    "Dispute": {
        "amount": "What the card holder disputes, in major units",
        "created_at": "When the dispute was opened, in UTC",
        "dispute_id": "Stripe's id of the dispute",
        "reason": "Stripe's word for why; null where it gave none",
    },
    "Documents": {
        "invoice_url": "The invoice, where the catalogue asks Stripe for invoices",
        "receipt_url": "The receipt; null where nothing was charged",
    },
    "ExtensionBody": {
        "add": "How many more credits to reserve; absent = none",
        "ttl_seconds": "How many seconds from now the hold is to last at least; absent = 900",
    },
    "FraudWarning": {
        "created_at": "When, in UTC",
        "fraud_type": "Stripe's word for what kind of fraud it is: https://docs.stripe.com/api/radar/early_fraud_warnings",
        "warning_id": "Stripe's id of the warning",
    },
    "FulfilQuote": {
        "credits": "How many credits it would grant; 0 where a lost record says that they have been granted already",
        "credits_taken_back": "How many would go again at once, for refunds and disputes of the payment that stand",
        "credits_to_debt": "How many of them would pay what the user owes",
        "refused": "Why it is not possible; null where it is",
    },
    "GatewayError": {"message": "The gateway's words"},
    "GiveBackQuote": {
        "amount": "What would go back, in major units of the quote's `currency`",
        "refused": "Why it is not possible; null where it is",
    },
    "GrantBody": {
        "credits": "How many credits to give",
        "expires_at": "When they expire (RFC 3339 with its offset); null = never, absent = after the configured months",
        "reason": "Why; administrators read it with the entry",
    },
    "HoldReceipt": OF_A_HOLD,
    "HoldBody": {
        "amount": "How many credits to reserve",
        "overrun": (
            "What a capture does about more than is held: take what is `available` besides (which is so where this is "
            "absent), `refuse`, or take that and let the user owe the rest (`debt`)"
        ),
        "ttl_seconds": "How many seconds the credits are reserved; absent = 900",
    },
    "HoldList": {"holds": "The holds that reserve credits"},
    "ListedHold": {**OF_A_HOLD, "actor": "Who opened it: `service:…`"},
    "Lot": {
        "granted": "The credits that came in",
        "payment_id": "The payment that bought them; null where they were not bought",
        "remaining": "The credits that are left of them",
        "source": "How they came in",
    },
    "LotOfPayment": {
        "granted": "The credits that came in",
        "remaining": "The credits that are left of them; 0 once they have expired",
    },
    "MovedLot": {"amount": "How its credits changed: negative where some were taken from it"},
    "Package": {
        "credits": "The credits that it buys",
        "name": "Its name, in the language that was asked for",
        "unit_price": "The price of one credit, in major units",
    },
    "Payment": {
        "amount": "The price in major units, as a number",
        "status": "Where the payment stands; only money that comes late changes `failed` and `expired`, to `succeeded`",
        "user_id": "Whose payment it is. For administrators and support staff",
    },
    "PaymentList": {"payments": "The payments of this page, newest first"},
    "Problem": {
        "code": "What went wrong, for programs",
        "detail": "What went wrong in this case, for people",
        "request_id": "The id of this request, as in the logs and in X-Request-Id",
        "status": "The HTTP status",
        "title": "What went wrong, for people",
        "type": "The same as `code`, as a URI (RFC 9457); it leads nowhere",
    },
    "Received": {"received": "The event has had its effect, or needs none"},
    "Refund": {
        "amount": "What was refunded, in major units",
        "created_at": "When the refund was asked for, in UTC",
        "status": "Where the refund stands; a pending one has taken the credits already",
    },
    "QuoteBody": {
        "amount": "How much to refund, in major units of the payment's currency; null or absent = all that is left",
        "payment_id": "The payment to refund",
    },
    "RefundBody": {
        "amount": "How much to refund, in major units of the payment's currency; null or absent = all that is left",
        "force": "true = refund also where the user has spent the credits, and will owe them; false where it is absent",
        "payment_id": "The payment to refund",
        "quote_token": "Of a quote: refuse to do anything else than what it says; absent = do what is due now",
    },
    "RefundQuote": {
        "amount": "What would be refunded, in major units",
        "credits_refunded": "The credits that would be taken back: from lots, and as debt",
        "debt": "How many of them the user would owe, because they are spent; not 0 = only with `force`",
        "from_other_lots": "How many of them would come from other purchases and grants of the user",
        "from_own_lot": "How many of them would come from what this payment has bought",
        "holds_uncovered": "How many credits that open holds reserve it would take; not 0 = only with `force`",
        "largest_refundable": "The most that can be refunded without `force`, in major units",
        "quote_token": "Send it with the refund, so that it does this or nothing",
    },
    "RefundResult": {
        "amount": "What was refunded, in major units",
        "credits_refunded": "The credits that were taken back",
        "message": "What has happened, for people",
        "success": "Whether Stripe has made or accepted the refund; false while that is not known",
    },
    "ReleaseQuote": {
        "amount_paid": "What the buyer has paid, in major units",
        "amount_returned": "What of it has gone back: refunds that Stripe has accepted, and disputes that are lost",
        "currency": "Of these amounts, ISO 4217; null where Stripe has no money of the payment",
        "fulfil": "To grant the credits of what was paid",
        "payment_intent": "The payment intent that the decision is over; null where nobody knows it",
        "refund": "To give back what is left",
    },
    "Release": {
        "action": "`fulfil`: its credits were granted; `refund`: its money went back",
        "actor": "Who decided: `admin:…`",
        "credits_ordered": "The credits that the order was for; `credits_purchased` is what was granted of them",
        "payment_intent": "The payment intent that had been refused",
        "quarantine_reason": "Why it had been refused",
        "reason": "Why it was decided so",
        "released_at": "When, in UTC",
        "status": "`in_flight` while it is not known whether the money has gone back, then `done`",
    },
    "RefusedPayment": {
        "payment_intent": "Its payment intent",
        "quarantine_reason": "Why it was refused",
    },
    "ReleaseBody": {
        "action": "Grant the credits of what was really paid, or give the money back",
        "payment_intent": "Which payment is meant, where more than one was refused: `stripe.rejected_intent`",
        "reason": "Why; it stays with the payment, and with the entry of the credits",
    },
    "ReversalBody": {
        "amount": "How many credits to give back; null or absent = all that is left of the spend",
        "reason": "Why; administrators read it with the entry",
        "transaction_id": "The spend's `transaction_id`",
    },
    "ReversalReceipt": {
        "amount": "The credits that came back",
        "lapsed": "The credits that did not, because their lot has expired",
        "transaction_id": "The id of the ledger entry; null where nothing came back",
    },
    "SpendBody": {"amount": "How many credits to spend"},
    "StripeIds": {
        "payment_intent": "The payment intent that paid it",
        "rejected_intent": "The payment intent of a payment that was refused: see `quarantine_reason`",
        "session": "Its Checkout Session",
    },
    "SpendReceipt": {"amount": "The credits that were spent"},
    "StripeEvent": {"object": "Always `event`", "type": "What has happened, in Stripe's words"},
    "Tier": {
        "bonus_percent": "So many percent more credits, of all that the amount buys",
        "from": "The amount from which this counts, in major units with all decimals, as text",
    },
    "Transaction": {
        "actor": "Who changed the credits: `user:…`, `admin:…`, `service:…`, `stripe` or `system`. For staff",
        "amount": "The change: positive for credits that came in, negative for those that left",
        "created_at": "When it happened, in UTC",
        "expires_at": "When the credits that came in expire, in UTC; null for other changes, and for never",
        "id": "The id of this change",
        "is_expired": "Whether `expires_at` is past",
        "lots": (
            "Only with `explain=true`: which lots the credits were taken from or came to, soonest expiry first. Their "
            "amounts add up to `amount`, but for what became debt or paid some"
        ),
        "payment_order_id": "The payment that it belongs to; null where there is none",
        "reason": "Why, as an administrator said it; null where nobody did. For staff",
        "transaction_type": "The kind of change",
    },
    "TransactionList": {"transactions": "The changes of this page, newest first"},
}


def of(schema: str, field: str) -> str | None:
    """The description of a schema's field, if it is here; problems share theirs."""
    kind = "Problem" if schema.endswith("Problem") else schema
    return OF_SCHEMA.get(kind, {}).get(field) or OF_ALL.get(field)
