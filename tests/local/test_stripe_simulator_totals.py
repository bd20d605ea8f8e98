"""What a session costs: tax, promotion codes, orders for nothing, the currency that the buyer sees, and invoices."""

from typing import Any

import pytest
import stripe

from local.stripe_simulator import Refused
from local.stripe_simulator.core.pricing import PROMOTION_CODES, fraction, shares
from tests.support.stripe_simulator import BASE_URL, DECLINED, SUCCEEDS, Account, line_item

TAXED: dict[str, Any] = {"automatic_tax": {"enabled": True}}
WITH_CODES: dict[str, Any] = {"allow_promotion_codes": True}
PRESENTED: dict[str, Any] = {"adaptive_pricing": {"enabled": True}}
EVERYTHING = TAXED | WITH_CODES | PRESENTED


@pytest.fixture
def account() -> Account:
    return Account()


def pay(account: Account, session: stripe.checkout.Session, **terms: Any) -> stripe.checkout.Session:
    """The session after a payment by card."""
    account.simulator.pay(session.id, **{"card": SUCCEEDS, **terms})
    return account.client.v1.checkout.sessions.retrieve(session.id)


def figures(session: stripe.checkout.Session) -> tuple[int | None, int, int, int | None]:
    """Subtotal, discount, tax, total."""
    details = session.total_details
    assert details
    return session.amount_subtotal, details.amount_discount, details.amount_tax, session.amount_total


def refusal(account: Account, session: stripe.checkout.Session, **terms: Any) -> Refused:
    before = account.client.v1.checkout.sessions.retrieve(session.id)
    with pytest.raises(Refused) as refused:
        account.simulator.pay(session.id, **{"card": SUCCEEDS, **terms})
    assert account.client.v1.checkout.sessions.retrieve(session.id) == before
    return refused.value


def test_a_session_returns_the_options_that_it_was_created_with(account: Account) -> None:
    session = account.session(
        **EVERYTHING,
        billing_address_collection="required",
        customer_email="ada@example.com",
        expires_at=int(account.time.timestamp()) + 1_800,
        invoice_creation={"enabled": True, "invoice_data": {"footer": "Thanks"}},
        locale="zh",
        tax_id_collection={"enabled": True},
    )

    assert session.automatic_tax.to_dict() == {
        "enabled": True,
        "liability": {"type": "self"},
        "provider": "stripe",
        "status": "requires_location_inputs",
    }
    assert (session.allow_promotion_codes, session.billing_address_collection) == (True, "required")
    assert session.customer_details
    assert (session.customer_email, session.customer_details.email) == ("ada@example.com", "ada@example.com")
    assert session.invoice_creation
    assert (session.invoice_creation.enabled, session.invoice_creation.invoice_data.footer) == (True, "Thanks")
    assert session.tax_id_collection
    assert session.tax_id_collection.to_dict() == {"enabled": True, "required": "never"}
    assert (session.locale, session.expires_at - session.created, session.invoice) == ("zh", 1_800, None)


def test_a_session_of_half_an_hour_runs_out_after_it(account: Account) -> None:
    account.session(expires_at=int(account.time.timestamp()) + 1_800)
    account.wait(minutes=30)

    assert account.types() == ["checkout.session.expired"]


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"customer_email": "ada"}, "email_invalid", "customer_email"),
        ({"customer_email": "a@b.c\n"}, "email_invalid", "customer_email"),
        ({"automatic_tax": {"enabled": "1"}}, None, "automatic_tax[enabled]"),
        ({"tax_id_collection": {"required": "never"}}, "parameter_missing", "tax_id_collection[enabled]"),
        ({"invoice_creation": {"enabled": True, "pdf": "1"}}, "parameter_unknown", "invoice_creation[pdf]"),
        ({"billing_address_collection": "never"}, None, "billing_address_collection"),
    ],
)
def test_options_are_checked_by_name(account: Account, changes: dict[str, Any], code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.session(**changes)

    assert (refused.value.code, refused.value.param) == (code, param)


def test_tax_is_added_and_paid(account: Account) -> None:
    session = pay(account, account.session(**TAXED), tax_minor=600)

    assert figures(session) == (10_000, 0, 600, 10_600)
    assert session.automatic_tax.status == "complete"
    intent = account.client.v1.payment_intents.retrieve(str(session.payment_intent))
    charge = account.client.v1.charges.retrieve(str(intent.latest_charge))
    assert (intent.amount, intent.amount_received, charge.amount, charge.amount_captured) == (10_600,) * 4
    assert account.client.v1.refunds.create({"payment_intent": intent.id}).amount == 10_600


def test_inclusive_tax_is_part_of_the_price(account: Account) -> None:
    item = line_item()
    item["price_data"]["tax_behavior"] = "inclusive"
    session = pay(account, account.session(line_items=[item], **TAXED), tax_minor=566)

    assert figures(session) == (10_000, 0, 566, 10_000)


def test_without_an_amount_of_tax_there_is_none(account: Account) -> None:
    session = pay(account, account.session(**TAXED))

    assert (figures(session), session.automatic_tax.status) == ((10_000, 0, 0, 10_000), "complete")


@pytest.mark.parametrize(("code", "percent"), [*PROMOTION_CODES.items(), (" save10 ", 10)])
def test_a_promotion_code_takes_its_percentage_off(account: Account, code: str, percent: int) -> None:
    session = pay(account, account.session(**WITH_CODES), promotion_code=code)

    discount = 10_000 * percent // 100
    assert figures(session) == (10_000, discount, 0, 10_000 - discount)
    assert session.discounts
    assert session.discounts[0].promotion_code == f"promo_{code.strip().upper()}"


def test_a_discount_may_be_any_amount(account: Account) -> None:
    session = pay(account, account.session(**EVERYTHING), discount_minor=3_333, tax_minor=1)

    assert figures(session) == (10_000, 3_333, 1, 6_668)
    completed = account.deliver()[-1].data.object
    assert (completed["amount_subtotal"], completed["amount_total"]) == (10_000, 6_668)
    assert completed["total_details"].to_dict() == {"amount_discount": 3_333, "amount_shipping": 0, "amount_tax": 1}


def test_the_lines_share_the_discount_and_the_tax_without_a_remainder(account: Account) -> None:
    items = [line_item(3_333), line_item(3_333), line_item(3_334)]
    session = pay(account, account.session(line_items=items, **EVERYTHING), discount_minor=100, tax_minor=10)
    lines = account.client.v1.checkout.sessions.line_items.list(session.id).data

    assert [line.amount_discount for line in lines] == [33, 33, 34]
    assert sum(line.amount_tax for line in lines) == 10
    assert sum(line.amount_total for line in lines) == session.amount_total == 9_910
    assert shares(5, [0, 0]) == [0, 0]


@pytest.mark.parametrize(
    ("amount", "percent", "currency", "result"),
    [(5, 50, "cny", 3), (104, 10, "cny", 10), (105, 10, "cny", 11), (150, 10, "kwd", 20), (14_900, 1, "isk", 100)],
)
def test_a_percentage_is_rounded_half_up_to_what_the_currency_has(
    amount: int, percent: int, currency: str, result: int
) -> None:
    assert fraction(amount, percent, 100, currency) == result


@pytest.mark.parametrize("terms", [{"promotion_code": "FREE100"}, {"discount_minor": 10_000}])
def test_an_order_for_nothing_needs_no_card_and_has_no_payment_intent(account: Account, terms: dict[str, Any]) -> None:
    session = account.session(**WITH_CODES)
    done = account.simulator.pay(session.id, **terms)

    assert (done["outcome"], done["status"], done["payment_intent"]) == ("succeeded", "complete", None)
    assert account.types() == ["checkout.session.completed"]
    after = account.client.v1.checkout.sessions.retrieve(session.id)
    assert (after.payment_status, after.payment_intent, after.amount_total) == ("no_payment_required", None, 0)
    assert str(after.customer).startswith("cus_")
    with pytest.raises(Refused, match="complete and can no longer be paid"):
        account.simulator.pay(session.id)


def test_a_card_is_not_used_where_nothing_is_to_pay(account: Account) -> None:
    session = pay(account, account.session(**WITH_CODES), card=DECLINED, promotion_code="FREE100")

    assert session.payment_status == "no_payment_required"


def test_what_was_entered_stays_after_a_decline_and_can_be_changed(account: Account) -> None:
    session = account.session(**EVERYTHING)
    declined = account.simulator.pay(session.id, card=DECLINED, promotion_code="SAVE10", tax_minor=500)
    assert declined["amount_total"] == 9_500

    paid = pay(account, session, promotion_code="HALF", presentment_currency="usd")
    assert (paid.payment_intent, figures(paid)) == (declined["payment_intent"], (10_000, 5_000, 500, 5_500))
    intent = account.client.v1.payment_intents.retrieve(str(paid.payment_intent))
    assert (intent.amount, intent.amount_received) == (5_500, 5_500)


def test_a_code_for_everything_ends_the_payment_intent_of_a_declined_card(account: Account) -> None:
    session = account.session(**WITH_CODES)
    intent = account.simulator.pay(session.id, card=DECLINED)["payment_intent"]

    assert pay(account, session, promotion_code="FREE100").payment_intent is None
    assert account.client.v1.payment_intents.retrieve(intent).status == "canceled"


def test_an_empty_code_removes_the_discount(account: Account) -> None:
    session = account.session(**WITH_CODES)
    account.simulator.pay(session.id, card=DECLINED, promotion_code="HALF")

    assert figures(pay(account, session, promotion_code="")) == (10_000, 0, 0, 10_000)


@pytest.mark.parametrize(
    ("terms", "field", "message"),
    [
        ({"discount_minor": 10_001}, "discount_minor", r"between 0 and the subtotal"),
        ({"discount_minor": -1}, "discount_minor", "between 0"),
        ({"tax_minor": 10_001}, "tax_minor", "between 0 and the discounted price"),
        ({"tax_minor": -1}, "tax_minor", "between 0"),
        ({"tax_minor": 1, "discount_minor": 10_000}, "tax_minor", "discounted price"),
        ({"promotion_code": "SAVE11"}, "promotion_code", "This code is invalid"),
        ({"promotion_code": "HALF", "discount_minor": 1}, "discount_minor", "either"),
        ({"presentment_currency": "kwd"}, "presentment_currency", "converts between"),
        ({"discount_minor": 9_999}, None, "must convert to at least"),
    ],
)
def test_terms_that_make_no_sense_are_refused_and_change_nothing(
    account: Account, terms: dict[str, Any], field: str | None, message: str
) -> None:
    refused = refusal(account, account.session(**EVERYTHING), **terms)

    assert (refused.status, refused.field) == (422, field)
    assert message in str(refused)


def test_amounts_have_the_steps_of_the_currency(account: Account) -> None:
    session = account.session(line_items=[line_item(15_010, "kwd")], **EVERYTHING)

    assert refusal(account, session, tax_minor=5).field == "tax_minor"
    assert refusal(account, session, discount_minor=5).field == "discount_minor"
    assert figures(pay(account, session, promotion_code="SAVE10", tax_minor=0)) == (15_010, 1_500, 0, 13_510)


@pytest.mark.parametrize(
    "terms", [{"tax_minor": 1}, {"discount_minor": 1}, {"promotion_code": "HALF"}, {"presentment_currency": "eur"}]
)
def test_a_session_has_only_what_it_was_created_with(account: Account, terms: dict[str, Any]) -> None:
    refused = refusal(account, account.session(), **terms)

    assert (refused.status, refused.field) == (409, next(iter(terms)))


def test_the_buyer_sees_another_currency_and_the_session_keeps_its_own(account: Account) -> None:
    session = pay(account, account.session(**PRESENTED), presentment_currency="jpy")
    intent = account.client.v1.payment_intents.retrieve(str(session.payment_intent))
    charge = account.client.v1.charges.retrieve(str(intent.latest_charge))

    assert (session.currency, session.amount_total) == ("cny", 10_000)
    seen = {"presentment_amount": 2_154, "presentment_currency": "jpy"}  # 100 yuan × 1,400 / 65, rounded up
    for one in (session, intent, charge):
        assert one.presentment_details
        assert one.presentment_details.to_dict() == seen


def test_the_amount_that_the_buyer_sees_follows_the_total(account: Account) -> None:
    session = account.session(**EVERYTHING)
    account.simulator.pay(session.id, card=DECLINED, presentment_currency="hkd")
    paid = pay(account, session, promotion_code="HALF")

    assert paid.presentment_details
    assert paid.presentment_details.presentment_amount == 5_469  # 50 yuan × 1,400 / 1,280, rounded up


# Invoices and receipts


def test_an_invoice_is_made_of_what_was_paid(account: Account) -> None:
    session = account.session(invoice_creation={"enabled": True}, **EVERYTHING)
    paid = pay(account, session, promotion_code="SAVE10", tax_minor=900)
    invoice = account.client.v1.invoices.retrieve(str(paid.invoice))

    assert (invoice.status, invoice.subtotal, invoice.total, invoice.amount_paid) == ("paid", 10_000, 9_900, 9_900)
    assert (invoice.total_excluding_tax, invoice.hosted_invoice_url) == (9_000, f"{BASE_URL}/invoices/{invoice.id}")
    assert invoice.total_taxes
    assert [(tax.amount, tax.tax_behavior) for tax in invoice.total_taxes] == [(900, "exclusive")]
    assert paid.customer
    assert invoice.customer == paid.customer
    assert account.types()[-5:] == [
        *("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"),
        "checkout.session.completed",
    ]


def test_a_delayed_payment_has_its_invoice_once_it_has_settled(account: Account) -> None:
    session = account.session(invoice_creation={"enabled": True})
    account.simulator.pay(session.id, method="alipay")
    assert account.client.v1.checkout.sessions.retrieve(session.id).invoice is None

    account.simulator.settle(session.id, "succeeded")
    expanded = account.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert isinstance(expanded.invoice, stripe.Invoice)
    assert expanded.invoice.amount_paid == 10_000


def test_without_invoices_there_is_a_receipt_alone(account: Account) -> None:
    intent = account.paid()
    charge = account.client.v1.charges.retrieve(str(intent.latest_charge))

    assert charge.receipt_url == f"{BASE_URL}/receipts/{charge.id}"
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice: 'in_x'"):
        account.client.v1.invoices.retrieve("in_x")


def test_a_declined_charge_has_no_receipt(account: Account) -> None:
    session = account.session()
    account.simulator.pay(session.id, card=DECLINED)

    assert [charge.receipt_url for charge in account.client.v1.charges.list().data] == [None]


def test_sessions_can_be_listed_by_the_buyers_email(account: Account) -> None:
    prefilled = account.session(customer_email="ada@example.com")
    account.session()
    paid = pay(account, account.session())

    def listed(email: str) -> list[str]:
        return [one.id for one in account.client.v1.checkout.sessions.list({"customer_details": {"email": email}}).data]

    assert listed("ada@example.com") == [prefilled.id]
    assert listed("buyer@example.com") == [paid.id]
    assert listed("nobody@example.com") == []
