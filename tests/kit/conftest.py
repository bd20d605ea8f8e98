"""The kit's fixtures, as its plugin gives them to whoever installs it."""

from topup_local.plugin import topup, topup_settings, topup_stack

__all__ = ["topup", "topup_settings", "topup_stack"]
