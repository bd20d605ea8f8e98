"""`books` as a command: from the table and from an export, against the second implementation in SQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops import cli, opened
from ops.books.month import Books
from ops.export import command as export_command
from ops.export import files
from ops.person import erase
from tests.support.books_in_sql import SqlBooks
from topup import store
from topup.store import persons


@pytest.fixture(autouse=True)
def the_stack_is_the_shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def stack(_options: Any, *, with_stripe: bool) -> Iterator[Callable[[], datetime]]:
        assert not with_stripe
        yield lambda: shop.now

    monkeypatch.setattr(opened, "stack", stack)


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Eight months of two users: purchases, spends, refunds, disputes, grants, holds, debt, and lots that expire."""
    payment, intent = shop.buy()
    shop.spend(300)
    shop.buy("trial", user="user-2")
    shop.spend(7, user="user-2")
    shop.wait(days=31)
    shop.refund(payment, 33.33)
    hold = shop.hold(100)
    shop.capture(hold.json(), 80)
    spent = shop.spend(11).json()["transaction_id"]
    shop.reverse(spent, 5)
    shop.grant(70)
    shop.wait(days=40)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    shop.buy("value")
    shop.adjust(-13)
    shop.wait(days=160)
    shop.run_timers()
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    return shop


def exported(shop: Shop, out: Path) -> files.Export:
    names = {"credits": shop.dynamodb.credits_table, "orders": shop.dynamodb.orders_table}
    export_command.scan(names, out, shop.now)
    return files.read(out)


def test_both_implementations_agree_on_every_month(busy: Shop, tmp_path: Path):
    sql = SqlBooks.of_export(exported(busy, tmp_path).credits.files)
    assert sql.months() == ["2026-03", "2026-04", "2026-05", "2026-10"]

    for month in (f"2026-{number:02}" for number in range(2, 12)):
        books = Books(month)
        for user_id, records in store.all_ledgers():
            books.add(user_id, records)
        assert sql.differences(books) == []


def test_an_export_and_the_table_give_the_same_books(busy: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    exported(busy, tmp_path / "export")
    capsys.readouterr()

    assert cli.main(["books", "--month", "2026-05"]) == 0
    of_table = capsys.readouterr()
    assert cli.main(["books", "--month", "2026-05", "--from", str(tmp_path / "export")]) == 0
    of_export = capsys.readouterr()

    assert of_export == of_table
    assert of_export.out.startswith("# Prepaid credits in 2026-05\n")


def test_it_writes_the_summary_the_journal_and_what_is_outstanding(
    busy: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()

    assert cli.main(["books", "--month", "2026-03", "--out", str(tmp_path / "books")]) == 0

    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "books").iterdir()}
    assert texts["books-2026-03.md"] == capsys.readouterr().out
    assert texts["journal-2026-03.csv"].splitlines()[:3] == [
        "month,date,number,movement,currency,package,credits,account,debit,credit",
        "2026-03,2026-03-31,1,sold,CNY,standard,1100,Cash at Stripe,100.00,",
        "2026-03,2026-03-31,1,sold,CNY,standard,1100,Deferred revenue,,100.00",
    ]
    assert "2026-03,CNY,standard,2026-09,800,72.73" in texts["outstanding-2026-03.csv"]


@pytest.mark.parametrize(("month", "is_over"), [("2026-02", True), ("2026-03", False), ("2026-04", False)])
def test_a_month_that_is_not_over_is_shown_with_a_warning(
    shop: Shop, month: str, is_over: bool, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["books", "--month", month]) == 0

    warning = f"warning: {month} (UTC) is not over: these figures will change\n"
    assert capsys.readouterr().err == ("" if is_over else warning)


def test_a_user_who_is_erased_changes_no_figure(busy: Shop, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert cli.main(["books", "--month", "2026-05"]) == 0
    before = capsys.readouterr().out

    persons.lock(store.load_credits(USER_ID, busy.now).wallet, "erased-1")
    erase.erase(USER_ID, "erased-1")

    assert cli.main(["books", "--month", "2026-05"]) == 0
    assert capsys.readouterr().out == before


def test_while_a_user_is_erased_there_are_no_books(shop: Shop, capsys: pytest.CaptureFixture[str]):
    shop.buy()
    persons.lock(store.load_credits(USER_ID, shop.now).wallet, "erased-1")

    assert cli.main(["books", "--month", "2026-02"]) == 2

    assert capsys.readouterr().err.endswith(f"user {USER_ID} is being erased: finish that first\n")


def test_a_ledger_that_contradicts_itself_has_no_books(shop: Shop, capsys: pytest.CaptureFixture[str]):
    shop.buy()
    shop.spend(1)
    key = {"user_id": {"S": USER_ID}, "record": {"S": "ENTRY#000000000001"}}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=key)

    assert cli.main(["books", "--month", "2026-02"]) == 2

    problem = f"user {USER_ID} has entry 2 where 1 should be: `make audit` says what is wrong"
    assert capsys.readouterr().err.endswith(f"cannot run books: {problem}\n")
