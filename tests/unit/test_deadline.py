"""The time that an invocation has left."""

import threading
from types import SimpleNamespace

import pytest
from greenlet import greenlet

from topup.domain.errors import Busy
from topup.runtime import deadline


def context(seconds: float) -> SimpleNamespace:
    """What a function reads of a Lambda context that has so long left."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: int(seconds * 1000))


def test_what_ends_before_the_deadline_and_its_margin_may_begin():
    with deadline.of(context(5 + deadline.MARGIN)):
        deadline.require(5)
        assert deadline.allows(5)
        assert not deadline.allows(5.001)
        with pytest.raises(Busy, match="retry"):
            deadline.require(5.001)


def test_the_time_that_is_left_is_asked_each_time():
    left = iter([20_000, 2_000])
    with deadline.of(SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))):
        assert deadline.allows(5)
        assert not deadline.allows(5)


@pytest.mark.parametrize("without", [None, SimpleNamespace(function_name="by hand")])
def test_without_a_time_limit_there_is_no_deadline(without: object):
    with deadline.of(without):
        deadline.require(1_000_000)


def test_the_deadline_ends_with_its_invocation():
    with pytest.raises(ValueError), deadline.of(context(0)):  # noqa: PT011 - it has no message
        raise ValueError
    deadline.require(1_000_000)


def test_two_invocations_at_once_have_their_own_deadlines():
    seen: list[bool] = []

    def invoke(seconds: float) -> None:
        with deadline.of(context(seconds)):
            seen.append(deadline.allows(5))

    with deadline.of(context(0)):
        seen.append(deadline.allows(5))
        thread = threading.Thread(target=invoke, args=[10])
        thread.start()
        thread.join()
        greenlet(lambda: invoke(10)).switch()
        seen.append(deadline.allows(5))

    assert seen == [False, True, True, False]
