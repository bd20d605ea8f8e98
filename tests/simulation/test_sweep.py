"""Every call of every flow struck by every kind of fault: afterwards everything has come right."""

import pytest

from tests.simulation.sweep import FLOWS, sweep


@pytest.mark.parametrize("flow", FLOWS)
def test_whichever_call_fails_everything_comes_right(flow: str):
    struck = list(sweep(flow))

    wrong = [
        f"{one.side} call {one.call}, {one.fault}: {one.outcome.violation}" for one in struck if one.outcome.violation
    ]
    assert wrong == []
    assert len(struck) >= 15  # a flow has at least three calls
