"""`person-export` and `person-erase`: all that is stored about a user, and how it comes to be nobody's."""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from local.in_process.api import ApiResponse, as_buyer, as_user
from local.in_process.dynamodb import lost_after, lost_before, refused
from local.in_process.events import EventBus
from local.in_process.shop import Shop
from ops.audit import audit
from ops.errors import CannotRunError
from ops.imports import lots
from ops.imports.rows import Row
from ops.person import documents, erase
from tests.ops import violations
from tests.ops.audits import exported_and_audited
from tests.ops.conftest import Terminal
from tests.ops.violations import BUYER, HOLDER
from tests.support.builders import a_cause, a_lot
from topup import daily_report, store
from topup.domain import credits
from topup.domain.catalogue import Catalogue
from topup.runtime import config
from topup.store import attributes, credit_items, patience, persons, written

WORDS = ("a private note", "a private reason", "customer 4711", "crm-id-17")


def stored(shop: Shop) -> list[Any]:
    """Every item of both tables."""
    tables = (shop.dynamodb.credits_table, shop.dynamodb.orders_table)
    return [item for table in tables for item in shop.dynamodb.client.scan(TableName=table)["Items"]]


@pytest.fixture
def person(shop: Shop) -> Shop:
    """A shop with several users, of whom BUYER has something of everything, with words that people wrote."""
    violations.fill(shop)
    shop.spend(3, user=BUYER, description=WORDS[0], metadata={"who": WORDS[2]})
    shop.grant(7, user=BUYER, reason=WORDS[1])
    bought_elsewhere: dict[str, Any] = {"credits": 40, "paid_minor": 0, "currency": None, "expires_at": None}
    lots.add(Row(line=1, user_id=BUYER, external_id=WORDS[3], **bought_elsewhere), shop.now)
    payment_id = next(iter(persons.payments_of(BUYER)))
    assert shop.refund(payment_id, 5, reason=WORDS[1]).status == 200
    shop.deliver()
    shop.check()
    return shop


def pseudonym_of(shop: Shop) -> str:
    [found] = {
        item["user_id"]["S"] for item in stored(shop) if item.get("user_id", {}).get("S", "").startswith("erased-")
    }
    return str(found)


def everyone(shop: Shop) -> list[str]:
    return sorted({item["user_id"]["S"] for item in stored(shop) if "user_id" in item})


def is_about(item: Any, word: str) -> bool:
    return word in json.dumps(item, ensure_ascii=False)


# ------------------------------------------------------------------------------------------------------- the export


def test_the_document_has_every_record_of_the_user_and_of_nobody_else(person: Shop, terminal: Terminal):
    assert terminal.run("person-export", "--user", BUYER) == 0

    document = json.loads(terminal.out)
    assert (document["user_id"], document["also_kept"]) == (BUYER, list(documents.ELSEWHERE))
    payments = [one for payment in document["payments"] for one in (payment["order"], *payment["refunds_and_disputes"])]
    listed = [one for part in (*documents.PARTS, "others") for one in document[part]] + payments
    ids = {payment["order"]["payment_id"] for payment in document["payments"]}
    theirs = [
        attributes.from_item(item)
        for item in stored(person)
        if item.get("user_id", {}).get("S") == BUYER or item.get("payment_id", {}).get("S") in ids
    ]
    assert len(listed) == len(theirs) > 20
    assert all(one in theirs for one in listed)
    assert document["others"] == []
    assert all(document[part] for part in ("wallet", "ledger", "lots", "holds", "reversed_spends", "claw_backs"))


@pytest.mark.parametrize("command", ["person-export", "person-erase"])
def test_an_unknown_user_is_named(shop: Shop, terminal: Terminal, command: str):
    shop.buy()

    assert terminal.run(command, "--user", "nobody") == 2
    assert f"cannot run {command}: nothing is stored about nobody" in terminal.err


@pytest.mark.parametrize("command", ["person-export", "person-erase"])
@pytest.mark.usefixtures("shop")
def test_a_command_needs_a_user(terminal: Terminal, command: str):
    assert terminal.run(command) == 2
    assert terminal.err == f"cannot run {command}: name the user: --user ID (make: USER=)\n"


# ---------------------------------------------------------------------------------------------------------- erasing


def test_nothing_in_the_tables_names_the_user_or_says_what_people_wrote(person: Shop, terminal: Terminal):
    before = [attributes.from_item(item) for item in persons.credits_of(BUYER)]

    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0

    assert not any(is_about(item, word) for item in stored(person) for word in (BUYER, *WORDS))
    [order] = [one for one in stored(person) if is_order_of(one, pseudonym_of(person))]
    assert (order["return_url"], "payment_url" in order) == (persons.ERASED, False)
    after = [attributes.from_item(item) for item in persons.credits_of(pseudonym_of(person))]
    for name in ("amount", "balance_after", "moves", "remaining", "granted", "balance", "captured", "created_at"):
        kept = [one[name] for one in before if name in one and not one["record"].startswith(persons._LEFT_BEHIND)]
        assert [one[name] for one in after if name in one] == kept
    assert all(f"- {place}" in terminal.out for place in documents.ELSEWHERE)


def test_records_move_together_as_far_as_a_transaction_takes_their_number_and_their_bytes(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(persons, "MOST_BYTES", 10)
    sizes = {"a": 6, "b": 4, "c": 4, "d": 6, "e": 11, "f": 1}

    assert [*persons._batches(sizes.items())] == [["a", "b"], ["c", "d"], ["e"], ["f"]]
    monkeypatch.setattr(persons, "BATCH", 3)
    assert [*persons._batches([(name, 1) for name in "abcdefg"])] == [[*"abc"], [*"def"], ["g"]]


def test_a_payment_that_the_index_does_not_have_yet_is_known_from_the_ledger(
    person: Shop, monkeypatch: pytest.MonkeyPatch
):
    known = persons.payments_of(BUYER)
    read = patience.items
    monkeypatch.setattr(
        patience, "items", lambda *args, **request: [] if request.get("IndexName") else read(*args, **request)
    )

    assert known
    assert sorted(persons.payments_of(BUYER)) == sorted(known)


def test_the_books_and_the_other_users_stay_right(person: Shop, terminal: Terminal):
    before = audit(lambda: person.now)

    terminal.run("person-erase", "--user", BUYER, "--yes")

    assert audit(lambda: person.now) == before
    assert exported_and_audited(person) == before


def test_later_requests_of_the_same_id_begin_a_new_wallet(person: Shop, terminal: Terminal):
    terminal.run("person-erase", "--user", BUYER, "--yes")

    assert person.credits(BUYER)["balance"] == 0
    assert person.api.get("/api/payments", as_user(BUYER)).json()["payments"] == []
    person.buy(user=BUYER)
    assert person.ledger(BUYER) == [("purchased", 1100)]
    person.check()


def test_a_dispute_that_comes_later_takes_the_credits_of_the_pseudonym(person: Shop, terminal: Terminal):
    [intent] = [item["transaction_id"]["S"] for item in stored(person) if is_order_of(item, BUYER)]
    terminal.run("person-erase", "--user", BUYER, "--yes")

    person.simulator.dispute(intent)
    person.deliver()

    account = store.load_account(pseudonym_of(person))
    assert account
    assert account.entries[-1].transaction_type == "disputed"
    assert person.credits(BUYER)["balance"] == 0
    person.check()


def is_order_of(item: Any, user: str) -> bool:
    return bool(item["record"]["S"] == "ORDER" and item["user_id"]["S"] == user)


def test_no_event_tells_of_a_copied_entry(person: Shop, terminal: Terminal):
    terminal.run("person-erase", "--user", BUYER, "--yes")

    theirs = persons.credits_of(pseudonym_of(person))
    copied = [item for item in theirs if item["record"]["S"].startswith(credit_items.ENTRY)]
    assert len(copied) > 5
    for item in copied:
        key = (item["user_id"]["S"], item["record"]["S"])
        keys = {name: item[name] for name in ("user_id", "record")}
        record = {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}
        assert written.what_was_written(record, {key: item}) is None


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("buyers", 1), (BUYER, 0)])
def test_it_asks_for_the_users_id_first(
    person: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
):
    monkeypatch.setattr("builtins.input", lambda *_: answer)

    assert terminal.run("person-erase", "--user", BUYER) == code

    assert any(is_about(item, BUYER) for item in stored(person)) == bool(code)
    assert f"{BUYER} has 1 payments, " in terminal.err


def test_what_is_under_way_must_end_first(person: Shop, terminal: Terminal):
    pending = person.create(user=HOLDER)["payment_id"]
    payment_id, _ = person.buy(user=HOLDER)
    person.fault("/v1/refunds", "timeout_before", times=2)
    assert person.refund(payment_id, 10).status == 202

    assert terminal.run("person-erase", "--user", HOLDER, "--yes") == 2

    assert f"payment {pending} is pending: make find WHAT=PAYMENT_ID" in terminal.err
    assert f"a refund of payment {payment_id} is in flight: make reconcile" in terminal.err
    assert "is open until " in terminal.err


# ------------------------------------------------------------------------------------------- interrupted, and disturbed


def test_it_goes_on_wherever_it_was_interrupted(person: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    before = audit(lambda: person.now)
    monkeypatch.setattr(persons, "BATCH", 10)
    steps = ("copy", "rename_payment", "_update", "_write_while_locked", "forget", "unlock")
    done: set[tuple[str, int]] = set()
    called = dict.fromkeys(steps, 0)

    def interrupted(name: str, step: Any) -> Any:
        def run(*arguments: Any) -> Any:
            called[name] += 1
            place = (name, called[name])
            if place not in done:
                done.add(place)
                raise KeyboardInterrupt
            return step(*arguments)

        return run

    for name in steps:
        monkeypatch.setattr(persons, name, interrupted(name, getattr(persons, name)))
    interruptions = 0
    while True:
        called = dict.fromkeys(steps, 0)
        try:
            assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
            break
        except KeyboardInterrupt:
            interruptions += 1
            # Nothing changes meanwhile. Once the lots have gone there is nothing to spend.
            assert person.spend(1, user=BUYER).status in (409, 503)
            found = [daily_report.findings_of(user) for user in everyone(person)]
            assert not any(found), f"interrupted {interruptions} times"

    assert interruptions >= 8
    assert not any(is_about(item, BUYER) for item in stored(person))
    assert audit(lambda: person.now) == before


def test_what_is_carried_out_when_the_records_have_moved_changes_nothing(
    person: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    late: list[Any] = []
    write = persons._transact_while_locked

    def remembered(*arguments: Any) -> None:
        late.append(arguments)
        write(*arguments)

    monkeypatch.setattr(persons, "_transact_while_locked", remembered)
    terminal.run("person-erase", "--user", BUYER, "--yes")
    person.grant(7, user=BUYER)
    person.spend(2, user=BUYER)
    before = stored(person)

    for arguments in late:
        with pytest.raises(store.LostRace):
            write(*arguments)

    assert len(late) >= 3  # records, payments, deletions
    assert stored(person) == before


def a_create(shop: Shop) -> Callable[[], ApiResponse]:
    """Sends one create of BUYER's, whenever it is called."""
    headers = as_buyer(BUYER) | {"idempotency-key": "mine"}
    return partial(shop.api.post, "/api/payments/stripe/create", {"package": "standard"}, headers)


def a_create_of_who_is_erased(shop: Shop, terminal: Terminal) -> Callable[[], ApiResponse]:
    """Sends again what BUYER sent before the erasure; the payment was cancelled then."""
    create = a_create(shop)
    shop.cancel(create().json(), user=BUYER)
    shop.deliver()
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
    return create


def test_the_key_of_a_payment_that_was_erased_buys_nothing_for_nobody(shop: Shop, terminal: Terminal):
    """The pseudonym would get the credits: the order of the key is its own."""
    create = a_create_of_who_is_erased(shop, terminal)

    response = create()

    assert (response.status, response.json()["code"]) == (409, "idempotency_conflict")


def test_a_change_that_was_decided_before_the_lock_is_not_written_after_it(person: Shop):
    account = store.load_account(BUYER)
    assert account
    person.spend(1, user=BUYER)

    with pytest.raises(store.LostRace):
        persons.lock(account.wallet, "erased-1")


def test_a_user_without_a_wallet_is_erased_too(shop: Shop, terminal: Terminal):
    payment = shop.create(user=BUYER)
    shop.cancel(payment, user=BUYER)
    shop.deliver()

    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0

    assert not any(is_about(item, BUYER) for item in stored(shop))
    assert audit(lambda: shop.now).findings == []


def begin_and_cancel(shop: Shop) -> None:
    payment = shop.create(user=BUYER)
    shop.cancel(payment, user=BUYER)
    shop.deliver()


def leave_a_place_in_line(shop: Shop) -> None:
    place = {"user_id": {"S": BUYER}, "record": {"S": "PENDING#late"}, "ttl": {"N": "9999999999"}}
    shop.dynamodb.client.put_item(TableName=shop.dynamodb.credits_table, Item=place)


def test_a_user_of_whom_only_a_place_in_line_is_left_is_erased_too(shop: Shop, terminal: Terminal):
    leave_a_place_in_line(shop)

    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0

    assert not any(is_about(item, BUYER) for item in stored(shop))


@pytest.mark.parametrize(
    ("before", "afterwards"),
    [
        (begin_and_cancel, lambda shop: None),
        (lambda shop: shop.grant(30, user=BUYER), lambda shop: shop.grant(30, user=BUYER)),
        (leave_a_place_in_line, lambda shop: None),
    ],
    ids=["without a wallet", "with the same version again", "with a place in line"],
)
def test_a_lock_that_is_carried_out_after_another_runs_erasure_locks_nobody(
    shop: Shop, terminal: Terminal, before: Callable[[Shop], Any], afterwards: Callable[[Shop], Any]
):
    before(shop)
    slower = erase.load(BUYER)
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
    shop.wait(seconds=1)
    afterwards(shop)

    with pytest.raises(CannotRunError, match="have just changed: run it again"):
        erase.lock(slower)

    assert not is_locked(shop)


def test_what_was_decided_before_an_erasure_does_not_fit_the_next_wallet(shop: Shop):
    shop.grant(30, user=BUYER)
    wallet = store.load_credits(BUYER, shop.now).wallet
    late = credits.grant(wallet, a_lot(user_id=BUYER), a_cause(), shop.now)
    erase.erase(BUYER, erase.lock(erase.load(BUYER)))
    shop.wait(seconds=1)
    shop.grant(10, user=BUYER)

    with pytest.raises(store.LostRace):
        store.record_expiry(late)

    assert shop.balance(BUYER) == 10


@pytest.mark.parametrize("has_wallet", [True, False])
def test_a_payment_that_is_opened_again_just_before_its_rename_stays_the_buyers(
    shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, has_wallet: bool
):
    if has_wallet:
        shop.grant(30, user=BUYER)
    create = a_create(shop)
    with monkeypatch.context() as stripe:
        stripe.setattr(shop.simulator, "request", lambda *_: (500, {}, b"{}"))
        assert create().status in (502, 503)
    shop.wait(hours=26)
    shop.reconcile()
    rename = persons.rename_payment
    opened: list[Any] = []

    def overtaken(*args: Any) -> None:
        if not opened:
            opened.append(create().json())
        rename(*args)

    monkeypatch.setattr(persons, "rename_payment", overtaken)
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
    shop.pay(opened[0])
    shop.deliver()

    assert shop.balance(BUYER) == 1100
    shop.check()


def test_a_purchase_that_is_begun_meanwhile_belongs_to_the_new_wallet(person: Shop):
    account = store.load_account(BUYER)
    assert account
    persons.lock(account.wallet, "erased-1")
    payment = person.create(user=BUYER)
    person.pay(payment)
    person.deliver()

    erase.erase(BUYER, "erased-1")

    person.wait(hours=1)
    person.deliver()
    assert person.ledger(BUYER) == [("purchased", 1100)]
    person.check()


CONFLICT = refused("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}])


def is_locked(shop: Shop) -> bool:
    return any("moves_to" in item for item in stored(shop))


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("fault", [CONFLICT, lost_before, lost_after])
def test_what_passes_by_itself_is_waited_for(
    person: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, fault: Any, number: int
):
    monkeypatch.setattr(patience, "PAUSES", (0, 0, 0))
    sent = 0
    write = person.dynamodb.client.transact_write_items

    def disturbed(**request: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == number:
            for _ in range(2):  # the SDK sends it twice
                person.dynamodb.fail("TransactWriteItems", fault)
        return write(**request)

    monkeypatch.setattr(person.dynamodb.client, "transact_write_items", disturbed)

    code = terminal.run("person-erase", "--user", BUYER, "--yes")

    person.dynamodb.clear_faults()
    if code:  # it could not know that it was done
        assert "have just changed: run it again" in terminal.err or "has been erased meanwhile" in terminal.err
    if is_locked(person):
        assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
    assert not is_locked(person)
    assert not any(is_about(item, BUYER) for item in stored(person))


def test_a_database_that_does_not_answer_ends_it_and_it_goes_on_later(
    person: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(patience, "PAUSES", (0, 0, 0))
    person.dynamodb.fail_always("TransactWriteItems", lost_before)
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 2
    assert terminal.err.endswith(f"cannot run person-erase: {erase.NO_ANSWER}\n")

    person.dynamodb.clear_faults()
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0


def test_large_records_move_in_transactions_that_their_partition_can_write(
    shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    for number in range(12):
        shop.grant(1, user=BUYER, reason=f"grant {number}")
    for item in list(persons.credits_of(BUYER)):
        if item["record"]["S"].startswith(credit_items.ENTRY):
            large = {**item, "of_a_newer_version": {"S": "x" * 150_000}}
            shop.dynamodb.client.put_item(TableName=shop.dynamodb.credits_table, Item=large)
    sizes: list[int] = []
    write = persons._write_while_locked

    def measured(user_id: str, pseudonym: str, writes: Any) -> None:
        sizes.append(len(json.dumps(writes)))
        write(user_id, pseudonym, writes)

    monkeypatch.setattr(persons, "_write_while_locked", measured)

    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0

    assert max(sizes) < 1.1 * persons.MOST_BYTES
    assert len(sizes) >= 2 * 12 / 2
    assert sum("of_a_newer_version" in item for item in persons.credits_of(pseudonym_of(shop))) == 12


def test_the_pseudonym_of_an_interrupted_erasure_leads_to_its_user(person: Shop, terminal: Terminal):
    account = store.load_account(BUYER)
    assert account
    persons.lock(account.wallet, "erased-1")
    persons.copy(BUYER, "erased-1")

    assert terminal.run("person-erase", "--user", "erased-1", "--yes") == 2
    assert f"erased-1 is the pseudonym of {BUYER}, who is being erased: name {BUYER}" in terminal.err

    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0
    assert not any(is_about(item, BUYER) for item in stored(person))


def test_nobody_is_told_again_that_the_credits_of_who_was_erased_expire_soon(
    shop: Shop, bus: EventBus, terminal: Terminal
):
    shop.grant(30, user=BUYER, expires_at="2026-03-06T12:00:00Z")
    assert terminal.run("person-erase", "--user", BUYER, "--yes") == 0

    report = daily_report.run(shop.now, lambda: 60)

    assert report.owed_credits == 30
    assert [one for one in bus.details if one["type"] == "credits.expiring"] == []


def test_the_key_of_a_payment_that_was_erased_buys_nothing_that_is_not_sold_any_more(
    shop: Shop, terminal: Terminal, environment: pytest.MonkeyPatch
):
    create = a_create_of_who_is_erased(shop, terminal)
    environment.setattr(config, "catalogue", lambda: Catalogue(packages={}, credit_value_rmb=Decimal(1)))

    assert create().status == 422
