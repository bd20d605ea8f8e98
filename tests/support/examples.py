"""How many examples a property test tries, and which ones: a seed draws the same examples in every process."""

from collections.abc import Callable
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

Test = TypeVar("Test", bound=Callable[..., object])

# Hypothesis also draws the constants that it finds in our loaded modules: which ones are loaded would decide the draws.
providers._get_local_constants = Constants


def examples(number: int, *, seed: int = 1, reuses_fixtures: bool = False) -> Callable[[Test], Test]:
    """Decorate a @given test; `reuses_fixtures`: its fixtures are made once, and serve all examples."""
    unchecked = [HealthCheck.function_scoped_fixture] if reuses_fixtures else []
    settings = _settings(number, unchecked)

    def decorate(test: Test) -> Test:
        seeded: Test = hypothesis.seed(seed)(settings(test))
        return seeded

    return decorate


def run_machine(machine: type[RuleBasedStateMachine], number: int, *, steps: int, seed: int = 1) -> None:
    """Run a state machine for `number` examples of up to `steps` steps each."""
    settings = hypothesis.settings(_settings(number), stateful_step_count=steps)
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)


def _settings(number: int, unchecked: list[HealthCheck] | None = None) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=number,
        database=None,
        derandomize=False,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, *(unchecked or [])],  # machines that run tests are busy
    )
