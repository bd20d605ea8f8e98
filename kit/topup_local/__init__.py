"""Topup on your machine, for the tests of what uses it.

With pytest, ask for the fixture `topup`. Without it, `with topup_local.running() as topup:`.
"""

from topup_local.topup import Topup, running

__all__ = ["Topup", "running"]
