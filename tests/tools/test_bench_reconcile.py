"""`make bench-reconcile`: what it measures looks at every payment, and what it writes down."""

import pytest

from local.in_process import direct
from tools.bench import reconcile
from topup.reconciliation import questions


def test_every_payment_is_looked_at_by_one_question_after_another_or_by_several(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reconcile, "ANSWER", 0.0)

    measured = [reconcile.measure(asking, payments=3) for asking in (direct.questions, questions.opened)]

    assert [(one.at_once, one.payments) for one in measured] == [(1, 3), (questions.AT_ONCE, 3)]


def test_a_row_says_how_many_payments_a_run_looks_at():
    row = reconcile.section([reconcile.Result(8, 200, 10.0)]).splitlines()[-1]

    assert row == "| 8 | 200 | 10.0 | 20.0 | 660 |"
