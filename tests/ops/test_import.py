"""`import`: each row of a file becomes a lot, once, however often the command is run or killed."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local.in_process.dynamodb import lost_after, refused
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops import cli, opened
from ops.books.ledger import Pool
from ops.books.month import Books
from ops.imports import command, rows
from ops.imports.rows import BadRow, Row
from ops.imports.staging import staged
from topup import store
from topup.store import races

HEADER = "user_id,credits,expires_at,paid,currency,external_id\n"
FILE = (
    HEADER
    + f"{USER_ID},1000,2027-01-31T00:00:00Z,90.50,EUR,a-1\n"
    + f"{USER_ID},50,,,,a-2\n"
    + "user-2,300,2026-12-31T23:59:59+01:00,1200,JPY,a-3\n"
)
TOTALS = "3 rows of 2 users: 1350 credits, 50 of them free, paid 90.50 EUR, 1200 JPY"
NOTHING = "0 rows of 0 users: 0 credits, 0 of them free, paid nothing"

Import = Callable[..., tuple[int, list[str]]]


class Killed(BaseException):
    """The process is killed."""


@pytest.fixture
def import_(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Run the command on the shop's tables with this text as its file: its exit code and what it prints."""

    @contextmanager
    def stack(_options: Any, *, with_stripe: bool) -> Iterator[Callable[[], datetime]]:
        assert not with_stripe
        with opened.logs_on_stderr():
            yield lambda: shop.now

    monkeypatch.setattr(opened, "stack", stack)

    def run(text: str, *options: str) -> tuple[int, list[str]]:
        path = tmp_path / "balances"
        path.write_text(text, encoding="utf-8")
        capsys.readouterr()
        code = cli.main(["import", str(path), *options])
        return code, capsys.readouterr().out.splitlines()

    return run


def records(shop: Shop) -> list[Any]:
    """Everything that is stored of the users' credits."""
    return list(shop.dynamodb.client.scan(TableName=shop.dynamodb.credits_table, ConsistentRead=True)["Items"])


# ------------------------------------------------------------------------------------------------------- what it does


def test_each_row_becomes_a_lot_with_what_was_paid_for_it(shop: Shop, import_: Import):
    code, printed = import_(FILE)

    assert code == 0
    assert printed == [
        f"in the file       {TOTALS}",
        f"imported before   {NOTHING}",
        f"imported now      {TOTALS}",
        f"in the table      {TOTALS}",
    ]
    first, second = shop.credits()["lots"]
    assert (first["source"], first["granted"], first["expires_at"]) == ("import", 1000, "2027-01-31T00:00:00Z")
    assert (second["source"], second["granted"], second["expires_at"]) == ("import", 50, None)
    assert shop.ledger() == [("granted", 1000), ("granted", 50)]
    books = Books("2026-03")
    for user_id, ledger in store.all_ledgers():
        books.add(user_id, ledger)
    assert books.closing(books.owed_minor) == {Pool("EUR", None): 9050, Pool("JPY", None): 1200, Pool(None, None): 0}
    assert [account for account in store.all_accounts() if account.faults] == []
    shop.check()


def test_a_second_run_changes_nothing_also_when_the_credits_are_used_up_or_have_expired(shop: Shop, import_: Import):
    import_(FILE)
    shop.spend(1000)
    shop.wait(days=400)  # beyond the expiries, and beyond what a request's marker is kept
    shop.run_timers()
    before = records(shop)

    code, printed = import_(FILE)

    assert code == 0
    assert printed[1:3] == [f"imported before   {TOTALS}", f"imported now      {NOTHING}"]
    assert records(shop) == before


def test_rows_that_were_added_to_the_file_are_imported(shop: Shop, import_: Import):
    import_(FILE)

    code, printed = import_(FILE + "user-2,7,,,,a-4\n")

    assert code == 0
    assert "1 rows of 1 users: 7 credits" in printed[2]
    assert shop.balance(user="user-2") == 307


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(shop: Shop, import_: Import):
    assert import_(FILE, "--dry-run") == (
        0,
        [f"in the file       {TOTALS}", f"imported before   {NOTHING}", f"to import         {TOTALS}"],
    )
    assert records(shop) == []


def test_a_debt_is_paid_out_of_what_is_imported(shop: Shop, import_: Import):
    _, intent = shop.buy()
    shop.spend(1100)
    shop.simulator.refund(intent)
    shop.deliver()
    assert shop.credits()["debt"] == 1100

    assert import_(FILE)[0] == 0

    assert shop.credits()["debt"] == 50
    shop.check()


def test_an_entry_has_the_time_of_its_own_not_that_at_which_the_command_began(shop: Shop, import_: Import):
    """An import may run over the end of a month, whose books are made while it runs."""
    began = shop.now

    def a_month_later(execute: Callable[[], AWSResponse]) -> AWSResponse:
        shop.wait(days=31)
        return execute()

    shop.dynamodb.fail("TransactWriteItems", a_month_later)
    assert import_(FILE)[0] == 0

    account = store.load_account(USER_ID)
    assert account
    first, second = [entry.created_at for entry in account.entries]
    assert (first, second - first) == (began, timedelta(days=31))


# ------------------------------------------------------------------------------------------------------------ killed


@pytest.mark.parametrize("is_written", [False, True])
def test_killed_at_any_request_and_run_again_it_has_imported_each_row_once(
    shop: Shop, import_: Import, is_written: bool
):
    def killed(execute: Callable[[], AWSResponse]) -> AWSResponse:
        if is_written:
            execute()
        raise Killed

    number, kills = 0, 0
    while True:
        number += 1
        # Another suffix each time: what earlier rounds have imported is another import.
        text = FILE.replace("a-", f"{number}-")
        shop.dynamodb.fail_at(number, killed)
        try:
            code, _ = import_(text)
        except Killed:
            kills += 1
            code, printed = import_(text)
            assert printed[3].startswith("in the table      3 rows of 2 users: 1350 credits")
            assert code == 0
            continue
        assert code == 0
        break

    assert kills > 6
    shop.dynamodb.clear_faults()
    assert (shop.balance(), shop.balance(user="user-2")) == (number * 1050, number * 300)
    shop.check()


@pytest.mark.parametrize("number", range(1, 9))
def test_a_response_that_is_lost_imports_no_row_twice(shop: Shop, import_: Import, number: int):
    shop.dynamodb.fail_at(number, lost_after)

    code, printed = import_(FILE)

    assert (code, printed[3]) == (0, f"in the table      {TOTALS}")
    assert shop.balance() == 1050


def test_a_table_that_stays_busy_ends_it_and_it_can_be_run_again(shop: Shop, import_: Import):
    shop.dynamodb.fail_always("TransactWriteItems", refused("ThrottlingException"))
    assert import_(FILE) == (2, [])

    shop.dynamodb.fail_always("TransactWriteItems", lambda execute: execute())
    assert import_(FILE)[0] == 0


def test_a_table_that_is_busy_for_a_while_is_waited_for(shop: Shop, import_: Import):
    faults = [refused("ThrottlingException")] * (2 * races.TRIES)
    shop.dynamodb.fail_always("TransactWriteItems", lambda execute: faults.pop()(execute) if faults else execute())

    code, printed = import_(FILE)

    assert (code, printed[3]) == (0, f"in the table      {TOTALS}")


# ----------------------------------------------------------------------------------------------------------- bad rows


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",5,,,,x", "user_id must be text of 1 to 255 characters"),
        ("u,0,,,,x", "credits must be a whole number from 1 to 1000000000, not 0"),
        ("u,1.5,,,,x", "credits must be a whole number from 1 to 1000000000, not 1.5"),
        ("u,many,,,,x", "credits must be a number, not many"),
        ("u,5,tomorrow,,,x", "expires_at must be a time such as 2027-01-31T00:00:00Z, or empty, not tomorrow"),
        ("u,5,2027-01-31T00:00:00.5Z,,,x", "expires_at must be a whole second, not 2027-01-31T00:00:00.5Z"),
        ("u,5,2025-01-31T00:00:00Z,,,x", "expires_at is past"),
        ("u,5,,1.00,,x", "currency is missing for what was paid"),
        ("u,5,,1.00,eur,x", "currency must be one that Stripe charges in, in capitals, not eur"),
        ("u,5,,1.001,EUR,x", "paid must be an amount of EUR with at most 2 decimals, not 1.001"),
        ("u,5,,1.00000000000000000000000000001,EUR,x", "paid must be a number, not 1.00000000000000000000000000001"),
        ("u,5,,1E-99999999999,EUR,x", "paid must be a number, not 1E-99999999999"),
        ("u,5,,-1,EUR,x", "paid must be an amount of EUR with at most 2 decimals, not -1"),
        ("u,5,,,,", "external_id must be text of 1 to 100 characters"),
        ("u,5,,,,a-1", "external_id a-1 is in line 2 too"),
        ("u,5,,,", "must have 6 columns"),
        ("u,5,,,,x,y", "must have 6 columns"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(shop: Shop, import_: Import, row: str, reason: str):
    assert import_(f"{FILE}{row}\n") == (1, [f"line 5: {reason}", "1 bad rows: nothing was imported"])
    assert records(shop) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (("1000,2027", "999,2027"), "credits was 1000"),
        (("2027-01-31", "2027-02-01"), "expires_at is another one"),
        (("90.50", "90.51"), "paid_minor was 9050"),
        (("90.50,EUR", "90.50,USD"), "currency was EUR"),
    ],
)
def test_a_row_that_was_imported_with_other_values_is_bad(
    shop: Shop, import_: Import, changed: tuple[str, str], reason: str
):
    import_(FILE)
    before = records(shop)

    code, printed = import_(FILE.replace(*changed) + "user-3,1,,,,a-4\n")

    assert (code, printed[0]) == (1, f"line 2: external_id a-1 was imported before, and {reason}")
    assert records(shop) == before


def test_a_file_without_the_right_columns_is_refused(import_: Import):
    assert import_("user_id,credits,when\n") == (
        1,
        [
            "line 1: lacks expires_at, paid, currency, external_id; has the unknown when",
            "1 bad rows: nothing was imported",
        ],
    )


def test_a_column_that_comes_twice_is_refused(import_: Import):
    code, printed = import_("user_id,credits,expires_at,paid,currency,external_id,credits\n")

    assert (code, printed[0]) == (1, "line 1: has credits twice")


def test_many_bad_rows_are_counted(import_: Import):
    code, printed = import_(HEADER + "u,0,,,,x\n" * 120)

    assert (code, len(printed)) == (1, 102)
    assert printed[-2:] == ["… and 20 more", "120 bad rows: nothing was imported"]


@pytest.mark.parametrize(
    ("options", "problem"), [([], "FILE is missing"), (["/nowhere.csv"], "/nowhere.csv: No such file")]
)
def test_it_needs_a_file(options: list[str], problem: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["import", *options]) == 2
    assert capsys.readouterr().err.startswith(f"cannot run import: {problem}")


# --------------------------------------------------------------------------------------------------------- JSON lines


def test_json_lines_say_the_same_as_csv():
    of_csv = list(rows.read(FILE.splitlines()))
    raw: list[dict[str, object]] = [
        {"user_id": USER_ID, "credits": 1000, "expires_at": "2027-01-31T00:00:00Z", "paid": 90.5, "currency": "EUR"},
        {"user_id": USER_ID, "credits": 50, "expires_at": None, "paid": None, "currency": None},
        {
            "user_id": "user-2",
            "credits": "300",
            "expires_at": "2026-12-31T22:59:59Z",
            "paid": "1200",
            "currency": "JPY",
        },
    ]
    text = "\n".join(json.dumps(one | {"external_id": f"a-{number}"}) for number, one in enumerate(raw, start=1))

    of_json = list(rows.read(text.splitlines()))

    assert [vars(row) | {"line": 0} for row in of_json] == [vars(row) | {"line": 0} for row in of_csv]
    assert of_csv[0] == Row(
        line=2,
        user_id=USER_ID,
        credits=1000,
        expires_at=datetime(2027, 1, 31, tzinfo=UTC),
        paid_minor=9050,
        currency="EUR",
        external_id="a-1",
    )


def a_line(**changed: Any) -> str:
    row = {"user_id": "u", "credits": 1, "expires_at": None, "paid": 0, "currency": None, "external_id": "x"}
    return json.dumps(row | changed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{nonsense", "is not JSON"),
        ('{"user_id": ' + "[" * 100_000, "is not JSON"),
        (a_line(currency=[]), "currency must be one that Stripe charges in, in capitals, not []"),
        (a_line(credits="\ud800"), "credits must be a number, not \N{REPLACEMENT CHARACTER}"),
        ('{"user_id": "u"}', "lacks credits, expires_at, paid, currency, external_id"),
        (
            '{"user_id": "u", "credits": true, "expires_at": null, "paid": 0, "currency": null, "external_id": "x"}',
            "credits must be a number, not True",
        ),
    ],
)
def test_a_bad_line_of_json_is_named(text: str, reason: str):
    [bad] = rows.read([text])

    assert isinstance(bad, BadRow)
    assert str(bad).startswith(f"line 1: {reason}")


# --------------------------------------------------------------------------------------------------------- many rows


def test_the_memory_that_a_file_needs_does_not_grow_with_its_rows():
    def most_memory(number: int) -> int:
        lines = (f"user-{one % 50_000},{1 + one % 9},,0.01,EUR,id-{one}\n" for one in range(number))
        tracemalloc.start()
        with staged() as file:
            assert command.read(chain([HEADER], lines), file).number == 0
            assert sum(map(len, file.batches(33))) == number
            assert command.Totals.of(file.by_user()).rows == number
            _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    most_memory(100)  # what is made once

    assert most_memory(20_000) < 1.5 * most_memory(4_000)


def test_rows_that_are_doubled_are_found_however_many_are_between_them(import_: Import):
    rows = "".join(f"u,5,,,,x-{number}\n" for number in range(3_000))

    code, printed = import_(f"{HEADER}{rows}u,5,,,,x-0\n")

    assert (code, printed) == (
        1,
        ["line 3002: external_id x-0 is in line 2 too", "1 bad rows: nothing was imported"],
    )


def test_money_beyond_what_a_database_counts_is_added_up(import_: Import):
    code, printed = import_(HEADER + "u,5,,900000000000000000,EUR,x\nv,5,,900000000000000000.01,EUR,y\n", "--dry-run")

    assert code == 0
    assert printed[0].endswith("paid 1800000000000000000.01 EUR")


def test_half_a_character_is_refused():
    row = {"user_id": "\ud800", "credits": 1, "expires_at": None, "paid": 0, "currency": None, "external_id": "x"}

    [bad] = rows.read([json.dumps(row)])

    assert str(bad) == "line 1: user_id must be text of 1 to 255 characters"
