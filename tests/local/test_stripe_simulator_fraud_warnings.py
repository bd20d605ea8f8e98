"""Early fraud warnings, which the card's issuer sends before it opens a dispute, or instead of one."""

import pytest

from local.stripe_simulator import Refused
from tests.support.stripe_simulator import Account

CREATED = "radar.early_fraud_warning.created"
UPDATED = "radar.early_fraud_warning.updated"


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_warning_names_the_charge_and_is_found_by_the_payment_intent(account: Account) -> None:
    intent, other = account.paid(), account.paid()
    account.deliver()
    warning = account.simulator.warn_of_fraud(intent.id, "made_with_stolen_card")

    assert (warning["charge"], warning["payment_intent"]) == (intent.latest_charge, intent.id)
    assert (warning["actionable"], warning["fraud_type"]) == (True, "made_with_stolen_card")
    event = account.deliver()[0]
    assert (event.type, event.data.object["id"]) == (CREATED, warning["id"])
    api = account.client.v1.radar.early_fraud_warnings
    assert [one.id for one in api.list({"payment_intent": intent.id}).data] == [warning["id"]]
    assert api.list({"payment_intent": other.id}).data == []
    assert api.retrieve(warning["id"]).created == warning["created"]


def test_a_full_refund_leaves_nothing_to_do(account: Account) -> None:
    intent = account.paid()
    warning = account.simulator.warn_of_fraud(intent.id)
    account.simulator.refund(intent.id, 4_000)
    assert UPDATED not in account.types()

    rest = account.simulator.refund(intent.id)
    assert UPDATED in account.types()
    assert account.client.v1.radar.early_fraud_warnings.retrieve(warning["id"]).actionable is False
    account.simulator.fail_refund(rest["id"])
    assert account.client.v1.radar.early_fraud_warnings.retrieve(warning["id"]).actionable is True


def test_a_dispute_comes_too_late_to_be_prevented(account: Account) -> None:
    intent = account.paid()
    warning = account.simulator.warn_of_fraud(intent.id)
    account.simulator.dispute(intent.id)

    assert account.client.v1.radar.early_fraud_warnings.retrieve(warning["id"]).actionable is False


def test_only_a_paid_card_is_warned_of_and_only_once(account: Account) -> None:
    session = account.session()
    by_alipay = account.simulator.pay(session.id, method="alipay")["payment_intent"]
    account.simulator.settle(session.id, "succeeded")
    with pytest.raises(Refused, match="only a charge that a card has paid"):
        account.simulator.warn_of_fraud(by_alipay)

    intent = account.paid()
    account.simulator.warn_of_fraud(intent.id)
    with pytest.raises(Refused, match="already"):
        account.simulator.warn_of_fraud(intent.id)
