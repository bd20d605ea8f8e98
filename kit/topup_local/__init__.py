"""Topup on your machine, for the tests of what uses it.

With pytest, ask for the fixture `topup`. Without it, `with topup_local.running() as topup:`.
"""

from topup_local.topup import BrokenPromiseError, StackFailedError, Topup, UnexpectedStatusError, running

__all__ = ["BrokenPromiseError", "StackFailedError", "Topup", "UnexpectedStatusError", "running"]
