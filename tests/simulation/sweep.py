"""The exhaustive sweep: inject each kind of fault once into every call of every flow; then let Stripe redeliver.

The seeds reach calls by chance; the sweep leaves none out. Each flow is a short plan without random faults.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan, Step
from tests.simulation.steps import Args
from tests.simulation.variations import Variation
from tests.simulation.world import Outcome, simulate

INJECTED_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.LATE_COMMIT)

BUY: Args = {
    "user": 0, "package": "standard", "pay": "card", "key": True, "tries": 3, "after": 0.1, "settles": "succeeded",
    "settles_after": 2.0, "reads": 0, "twice": False,
}  # fmt: skip
SPEND: Args = {"user": 0, "share": 0.3, "tries": 3, "times": 1, "twice": False}
ANY: Args = {"package": "any", "amount": "77.35"}
TAXED = BUY | {"terms": [0.1, 0.19]}
CANCEL: Args = {"which": 0, "tries": 3}
REFUND: Args = {"which": 0, "share": None, "force": True, "key": True, "tries": 3}
PARTLY = REFUND | {"share": 0.37}
QUOTED: Args = PARTLY | {"gap": 1.0, "meanwhile": "a grant"}
DASHBOARD: Args = {"which": 0, "share": None, "pending": False}
DISPUTE: Args = {"which": 0, "share": None, "inquiry": False}
GRANT: Args = {"user": 0, "amount": 40, "expires": "standard", "tries": 3, "again": None}
CAMPAIGN: Args = {"user": 0, "name": "spring", "amount": 5, "expires": "standard", "gaps": [60.0]}
ADJUST: Args = {"user": 0, "up": None, "share": 0.5, "tries": 3, "twice": False}
MANY_LOTS: Args = {"user": 0, "lots": [2, 1, 3, 2], "shares": [0.9], "down": False}
CLAW_BACK: Args = {"which": 0, "lots": [1, 2, 1], "share": None, "dashboard": True}
HOLD: Args = {"user": 0, "share": 0.3, "ttl": 900, "overrun": "available", "tries": 3, "twice": False, "then": []}
CAPTURED = HOLD | {"then": [["capture a part", 5.0, 0.5], ["extend", 10.0, 0.5], ["capture", 20.0, 1.7]]}
RELEASED = HOLD | {"then": [["capture a part", 5.0, 0.5], ["release", 10.0, 0.0]]}
OVER = HOLD | {"ttl": 40, "overrun": "debt", "then": [["late capture", 4000.0, 4.0]]}
BATCH: Args = {
    "user": 0, "shares": [0.1, 0.2, 0.3], "tries": 3, "twice": False, "repeats": 1, "after": 60.0, "misuses": False,
}  # fmt: skip
CROWD: Args = {
    "user": 0, "shares": [0.1, 0.2, 0.3, 0.9], "gaps": [0.0, 0.0, 0.0, 0.01], "tries": 3, "beside": "nothing",
    "dies": None,
}  # fmt: skip
REVERSE: Args = {"which": 0, "shares": [0.5, None], "gap": 60.0, "tries": 3, "twice": False}
TAKEN: Args = {"which": 0, "share": 0.7, "overrun": "available", "takes": "the Dashboard", "captures": 1.0}
IMPORT: Args = {
    "rows": [[0, 40, None, 250, "EUR"], [0, 3, 40.0, 0, None], [1, 7, None, 0, None]], "later": 1, "kills": [],
    "twice": None, "spends": False, "differs": False,
}  # fmt: skip
ERASE: Args = {"user": 0, "days": 0.0, "kills": [], "twice": None, "beside": [], "afterwards": ["grant", "dispute"]}
REPORT: Args = {"kills": [], "seconds": 900.0, "busy": [[0.0, 0.3]]}
BOUGHT = Step("buy", 0.0, BUY)
ENDPOINT_DOWN = Step("endpoint_down", 0.0, {"seconds": 600.0})
FAILS: Args = {"which": 0, "does": "fails"}
LOST: Args = {"which": 0, "status": "lost"}
WON: Args = {"which": 0, "status": "won"}
A_DAY: Args = {"days": 1.2, "leap": False}
SIX_MONTHS: Args = {"days": 182.0, "leap": False}  # the lots of START expire in them


def _then(what: str, args: Args, after: float = 60.0) -> Step:
    return Step(what, after, args)


FLOWS: dict[str, tuple[Step, ...]] = {
    "a purchase": (BOUGHT,),
    "a purchase by Alipay": (Step("buy", 0.0, BUY | {"pay": "alipay"}),),
    "a delayed payment that fails": (Step("buy", 0.0, BUY | {"pay": "alipay", "settles": "failed"}),),
    "a declined card, then another": (Step("buy", 0.0, BUY | {"pay": "declined first"}),),
    "a buyer who returns before the webhook": (ENDPOINT_DOWN, Step("buy", 0.0, BUY | {"reads": 2})),
    "a checkout that is abandoned": (Step("buy", 0.0, BUY | {"pay": "never"}), _then("wait", A_DAY)),
    "a spend": (BOUGHT, _then("spend", SPEND)),
    "a refund in full": (BOUGHT, _then("refund", REFUND)),
    "a refund in part, and the rest": (BOUGHT, _then("refund", PARTLY), _then("refund", REFUND)),
    "a refund of spent credits": (BOUGHT, _then("spend", SPEND), _then("refund", REFUND), _then("buy", BUY)),
    "a refund that fails later": (BOUGHT, _then("refund", REFUND), _then("refund_outcome", FAILS)),
    "a refund made in the Dashboard": (BOUGHT, _then("dashboard_refund", DASHBOARD)),
    "a refund before its grant": (Step("refund_before_grant", 0.0, BUY),),
    "a dispute that is lost": (BOUGHT, _then("dispute", DISPUTE), _then("dispute_outcome", LOST)),
    "a dispute that is won": (BOUGHT, _then("dispute", DISPUTE), _then("dispute_outcome", WON)),
    "a dispute after a refund in part": (BOUGHT, _then("refund", PARTLY), _then("dispute", DISPUTE)),
    "an expiry": (BOUGHT, _then("spend", SPEND), _then("wait", SIX_MONTHS)),
    "a grant": (Step("grant", 0.0, GRANT), _then("spend", SPEND)),
    "a grant of a campaign, twice": (Step("campaign", 0.0, CAMPAIGN),),
    "a grant that expires": (Step("grant", 0.0, GRANT | {"expires": 3600.0}), _then("wait", A_DAY)),
    "an adjustment up": (Step("adjust", 0.0, ADJUST | {"up": 50}), _then("spend", SPEND)),
    "an adjustment down": (BOUGHT, _then("adjust", ADJUST)),
    "a spend from many lots": (Step("spend_many_lots", 0.0, MANY_LOTS), _then("spend", SPEND)),
    "an adjustment of many lots": (Step("spend_many_lots", 0.0, MANY_LOTS | {"down": True}), _then("spend", SPEND)),
    "a claw-back over many lots": (BOUGHT, _then("claw_back_many_lots", CLAW_BACK), _then("refund_outcome", FAILS)),
    "a hold that is captured": (BOUGHT, _then("hold", CAPTURED)),
    "a hold that is released": (BOUGHT, _then("hold", RELEASED)),
    "a hold that ends by itself": (BOUGHT, _then("hold", HOLD), _then("wait", A_DAY)),
    "a hold that is captured late": (BOUGHT, _then("hold", OVER), _then("wait", A_DAY)),
    "a hold whose credits are clawed back": (BOUGHT, _then("taken_under_hold", TAKEN)),
    "a batch, and another one with a part of it": (BOUGHT, _then("batch", BATCH), _then("spend", SPEND, 120.0)),
    "spends that wait in line": (BOUGHT, _then("crowd", CROWD)),
    "a spend that is given back": (BOUGHT, _then("spend", SPEND), _then("reverse", REVERSE)),
    "a spend from many lots, given back": (
        Step("spend_many_lots", 0.0, MANY_LOTS), _then("reverse", REVERSE), _then("spend", SPEND, 120.0),
    ),
    "a payment that its buyer ends": (Step("buy", 0.0, BUY | {"pay": "never"}), _then("cancel", CANCEL)),
    "a purchase with tax and a code, refunded in part": (Step("buy", 0.0, TAXED), _then("refund", PARTLY)),
    "a purchase for nothing": (Step("buy", 0.0, BUY | {"terms": [1.0, 0.0]}), _then("spend", SPEND)),
    "a purchase of any amount": (Step("buy", 0.0, BUY | ANY), _then("refund", PARTLY)),
    "an import": (Step("import_credits", 0.0, IMPORT),),
    "a user who is erased": (BOUGHT, _then("spend", SPEND), _then("refund", PARTLY), _then("erase_person", ERASE)),
    "a daily report": (BOUGHT, _then("daily_report", REPORT)),
    "a refund by a quote": (BOUGHT, _then("spend", SPEND), _then("quoted_refund", QUOTED)),
    "a refund after the expiry": (BOUGHT, _then("wait", SIX_MONTHS), _then("refund", REFUND)),
}  # fmt: skip


@dataclass(frozen=True)
class InjectedRun:
    """One run of the sweep: the flow, the call that had the fault, and the fault."""

    flow: str
    side: str
    call: int
    fault: Fault
    outcome: Outcome


def plan_of_flow(flow: str) -> Plan:
    # A seed with small transactions; and a pay page on which a buyer may enter a code and an address.
    offers = {Variation.TAX_AND_CODES: "exclusive"} if any("terms" in step.args for step in FLOWS[flow]) else {}
    return Plan(1, {}, FLOWS[flow], offers)


def calls_of(flow: str) -> dict[str, int]:
    """The number of calls to DynamoDB and to Stripe that the flow makes without a fault."""
    outcome = simulate(plan_of_flow(flow))
    assert outcome.violation is None, f"{flow}: {outcome.violation}"
    return outcome.calls


def sweep(flow: str) -> Iterator[InjectedRun]:
    """Inject each kind of fault once into each call of the flow."""
    for side, calls in calls_of(flow).items():
        for call in range(1, calls + 1):
            for fault in INJECTED_FAULTS:
                yield InjectedRun(flow, side, call, fault, simulate(plan_of_flow(flow), inject=(side, call, fault)))
