"""The benchmarks' budgets: which figures miss them, and that a command which finds one ends with an error."""

from collections.abc import Callable

import pytest

from local import ROOT
from tools.bench import budgets
from tools.bench.budgets import Budget, Figure

BUDGET = Budget(0.80, 0.65)
IN_THE_BACKGROUND = {"daily_report", "expire_credits", "publish_events", "reconcile"}


def test_a_figure_above_its_budget_is_bold_and_named():
    found = [Figure("get_credits", 0.81, BUDGET), Figure("get_payment", 0.80, BUDGET), Figure("reconcile", 9, None)]

    assert [str(figure) for figure in found] == ["**0.81**", "0.80", "9.00"]
    assert budgets.missed(found) == ["get_credits: 0.81, budget 0.8"]


def test_a_figure_is_judged_as_it_is_shown():
    assert not Figure("shown as 0.80", 0.804, BUDGET).is_missed
    assert Figure("shown as 0.81", 0.806, BUDGET).is_missed
    assert Figure("shown as 26", 25.6, Budget(25, 20), digits=0).is_missed


def test_a_missed_budget_ends_the_command_with_an_error(capsys: pytest.CaptureFixture[str]):
    budgets.exit_if_missed([Figure("get_payment", 0.80, BUDGET)])

    with pytest.raises(SystemExit) as ended:
        budgets.exit_if_missed([Figure("get_credits", 0.81, BUDGET), Figure("get_payment", 0.80, BUDGET)])

    assert isinstance(ended.value.code, str), "a text is printed, and the exit code is 1"
    assert ended.value.code.splitlines() == ["", "Budgets missed:", "get_credits: 0.81, budget 0.8"]


def ended(command: Callable[[], None]) -> list[str]:
    """The budgets that a command has missed, as it says at its end; none where it ends well."""
    try:
        command()
    except SystemExit as error:
        return str(error.code).splitlines()[2:]
    return []


def test_every_function_that_somebody_waits_for_has_a_budget():
    functions = {app.parent.name for app in (ROOT / "functions").glob("*/app.py")}

    assert set(budgets.COLD) == functions - IN_THE_BACKGROUND


def test_the_columns_of_a_budget():
    assert budgets.shown(BUDGET) == ["0.80", "0.65"]
    assert budgets.shown(None) == ["", ""]
