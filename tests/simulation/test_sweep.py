"""Every kind of fault in every call of every flow: afterwards everything is consistent."""

import pytest

from tests.simulation.sweep import FLOWS, sweep


@pytest.mark.parametrize("flow", FLOWS)
def test_a_fault_in_any_call_leaves_everything_consistent(flow: str):
    runs = list(sweep(flow))

    wrong = [
        f"{one.side} call {one.call}, {one.fault}: {one.outcome.violation}" for one in runs if one.outcome.violation
    ]
    assert wrong == []
    assert len(runs) >= 15  # a flow has at least three calls
