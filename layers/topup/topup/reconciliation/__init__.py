"""Find and repair what was lost, in independent sweeps: first our own records that wait, then what Stripe has.

Each repair runs through the code that should have done it in time, so doing it twice changes nothing.
"""

from topup.reconciliation.reports import Report, Tally
from topup.reconciliation.runs import SWEEP_AFTER, WINDOW, reconcile
from topup.reconciliation.stripe_walks import LONGEST_WINDOW

__all__ = ["LONGEST_WINDOW", "SWEEP_AFTER", "WINDOW", "Report", "Tally", "reconcile"]
