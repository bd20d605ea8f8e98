"""`explain`: every entry with what it changed, what is left, and whether it adds up."""

import re

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops import layout
from tests.ops.conftest import Terminal
from tests.ops.test_audit_places import damage

WHO = ("explain", "--user", USER_ID)


def lines(terminal: Terminal) -> list[str]:
    """What was printed, with single spaces."""
    return [" ".join(line.split()) for line in terminal.out.splitlines()]


def test_every_entry_has_the_balance_before_and_after_its_cause_and_its_lots(shop: Shop, terminal: Terminal):
    shop.grant(50, campaign="welcome", expires_at="2026-04-01T00:00:00Z")
    payment_id, _ = shop.buy()
    shop.spend(300, description="Translated 12 pages")

    assert terminal.run(*WHO) == 0

    said = lines(terminal)
    assert said[0] == f"{USER_ID} has 850 credits"
    assert said[3].startswith("1 2026-03-01 12:00:00 0 +50 50 granted · Campaign: welcome · welcome · admin:")
    assert re.fullmatch(r"Campaign: welcome [0-9a-f-]{36}, until 2026-04-01 00:00:00", said[4])
    assert said[5] == "2 2026-03-01 12:00:00 50 +1100 1150 purchased · Package 标准包 · stripe"
    assert said[6] == f"payment {payment_id} (标准包, 100.00 CNY), until 2026-09-01 12:00:00"
    assert said[7] == "3 2026-03-01 12:00:00 1150 -300 850 spent · Translated 12 pages · service:default"
    assert said[8].startswith("-50 Campaign: welcome ")
    assert said[9].startswith(f"-250 payment {payment_id} ")
    assert said[-3] == f"850 1100 payment {payment_id} (标准包, 100.00 CNY), until 2026-09-01 12:00:00"
    assert said[-1] == "Everything adds up. All times are UTC; it is 2026-03-01 12:00:00."


def test_what_is_held_is_said_with_who_holds_it(shop: Shop, terminal: Terminal):
    shop.buy()
    shop.hold(200, ttl_seconds=600)

    terminal.run(*WHO)

    assert lines(terminal)[0] == f"{USER_ID} has 1100 credits; 200 of them are held, and 900 may be spent"
    assert "\n200 are held until 2026-03-01 12:10:00 by service:default: a call (hold " in terminal.out


def test_a_debt_is_part_of_the_sum(shop: Shop, terminal: Terminal):
    payment_id, intent = shop.buy()
    shop.spend(1000)
    shop.simulator.dispute(intent)
    shop.deliver()

    terminal.run(*WHO)

    said = lines(terminal)
    assert said[0] == f"{USER_ID} has -1000 credits = 0 - 1000 owed"
    assert any(line.endswith("owed: there were too few") for line in said)
    why = f"1000 because of payment {payment_id}"
    assert f"1000 are owed ({why}): the next credits that come in pay them first" in said


def test_what_captures_owe_is_named_so(shop: Shop, terminal: Terminal):
    shop.buy()
    hold = shop.hold(100, overrun="debt").json()
    shop.capture(hold, 1200)

    terminal.run(*WHO)

    assert "100 are owed (100 because of captures): the next credits that come in pay them first" in lines(terminal)


def test_expired_credits_do_not_count_before_they_are_swept(shop: Shop, terminal: Terminal):
    shop.buy()
    shop.wait(days=200)

    terminal.run(*WHO)

    said = lines(terminal)
    assert said[0] == f"{USER_ID} has 0 credits = 0"
    assert "1100 have expired and do not count; their entry follows when they are swept" in said


def test_the_balance_is_the_sum_of_several_lots(shop: Shop, terminal: Terminal):
    shop.buy()
    shop.grant(50, expires_at=None)

    terminal.run(*WHO)

    assert lines(terminal)[0] == f"{USER_ID} has 1150 credits = 1100 + 50"
    assert terminal.out.count("never expires") == 2


def test_of_a_long_history_the_last_entries_may_be_enough(shop: Shop, terminal: Terminal):
    shop.buy()
    for _ in range(3):
        shop.spend(1)

    terminal.run(*WHO, "--last", "2")

    said = lines(terminal)
    assert said[2] == "without the first 2 entries"
    assert [line[0] for line in said if re.match(r"\d+ 2026", line)] == ["3", "4"]


def test_it_is_printed_as_the_api_answers(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.spend(300)

    found = terminal.json(*WHO)

    assert found["credits"] == shop.credits()
    assert [row["amount"] for row in found["transactions"]] == [-300, 1100]
    assert found["transactions"][0]["lots"] == [{"lot_id": payment_id, "payment_id": payment_id, "amount": -300}]
    assert found["transactions"][0]["actor"] == "service:default"
    assert found["findings"] == []


def test_what_does_not_add_up_is_said_at_the_end(shop: Shop, terminal: Terminal):
    shop.buy()
    damage(shop, "WALLET", balance=1099)

    assert terminal.run(*WHO) == 1

    assert lines(terminal)[-1].startswith(f"user {USER_ID}: ")


def test_of_somebody_without_credits_it_says_what_to_look_for(shop: Shop, terminal: Terminal):
    assert terminal.run("explain", "--user", "o'neill", "--stack", "topup-prod") == 1

    assert terminal.out == (
        "o'neill has no credits and never had any: check the id, in capitals and small letters too\n"
        """next: make find WHAT='o'"'"'neill' STACK=topup-prod\n"""
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [((), "name the user: --user ID (make: USER=)"), (("--user", "a", "--last", "0"), "--last must be at least 1")],
)
def test_a_mistake_names_the_fix(arguments: tuple[str, ...], problem: str, terminal: Terminal):
    assert terminal.run("explain", *arguments) == 2
    assert problem in terminal.err


def test_columns_line_up_beside_chinese_characters():
    assert list(layout.columns([("标准包", 5, "a"), ("trial", 1100, "b")], right=(1,))) == [
        "标准包     5  a",
        "trial   1100  b",
    ]


def test_a_history_that_is_longer_than_what_is_kept_in_memory_is_told_to_its_end(
    shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("topup.store.scans.MOST_ENTRIES", 2)
    shop.buy()
    for _ in range(4):
        shop.spend(1)

    assert terminal.run(*WHO) == 0

    assert [line.split()[0] for line in lines(terminal) if " spent " in line] == ["2", "3", "4", "5"]
    assert "Everything adds up." in terminal.out
