"""`audit`: check everything that must always hold, in the tables and, with --stripe, between them and Stripe."""

from ops.audit.report import Audit, Progress
from ops.audit.tables import audit, clock_of

__all__ = ["Audit", "Progress", "audit", "clock_of"]
