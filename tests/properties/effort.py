"""How hard a property tries: the same examples every time, and no eye on the clock."""

from hypothesis import HealthCheck, settings


def examples(number: int, *, steps: int = 50) -> settings:
    """Settings for so many examples, each of so many steps where a property takes steps."""
    return settings(
        max_examples=number,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],  # machines that run tests are busy
    )
