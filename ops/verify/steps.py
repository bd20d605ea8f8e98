"""The steps of a verification, and their run: one that fails does not stop the others."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.verify import credits, payments, questions, webhooks
from ops.verify.exchanges import Recorder, masked
from ops.verify.scene import Scene

OK, FAILED, NOT_RUN = "ok", "failed", "not run"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """`run` does it and returns what was seen; it raises where something is not as promised.

    `needs` are steps without which it would only fail for the same reason.
    """

    name: str
    does: str
    run: Callable[[Scene], str]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """`asked` is what was asked of the stack's API."""

    step: Step
    status: str  # ok, failed or not run
    saw: str
    began: datetime
    seconds: float = 0.0
    asked: str = ""


BUYS = ("purchase",)
STEPS = (
    Step("purchase", "buy with 4242 4242 4242 4242", payments.purchase),
    Step("decline", "pay with a card that is declined", payments.decline),
    Step("3-d-secure", "pay with a card that asks for 3-D Secure", payments.three_d_secure),
    Step("closed-page", "end a payment that nobody has paid", payments.closed_page),
    Step("refund", "refund all of a payment", payments.full_refund, BUYS),
    Step("part-refund", "refund half of a payment", payments.part_refund, BUYS),
    Step("dashboard-refund", "refund a payment at Stripe, as in its Dashboard", payments.dashboard_refund, BUYS),
    Step("dispute", "pay with a card whose payment is disputed", payments.dispute, BUYS),
    Step("late-webhook", "pay while the webhook's endpoint is switched off", webhooks.late_webhook, BUYS),
    Step("wrong-signature", "send an event with a wrong signature", webhooks.wrong_signature),
    Step("grant", "grant credits", credits.grant),
    Step("spend", "spend credits, and retry", credits.spend, ("grant",)),
    Step("hold", "hold credits, and capture some", credits.hold, ("grant",)),
    Step("reverse", "give some of a spend back", credits.reverse, ("spend",)),
    Step("questions", "ask Stripe what reconcile and the operators' commands ask", questions.questions, BUYS),
    Step("expiry", "let credits expire that live for an hour", credits.expiry, ("grant",)),
    Step("audit", "check that credits and payments add up, here and at Stripe", questions.audit),
)


def run(scene: Scene, recorder: Recorder, say: Say) -> list[Result]:
    """Run the steps in order; `say` gets a line for each."""
    results: list[Result] = []
    for step in STEPS:
        bad = [result.step.name for result in results if result.status != OK]
        missing = [name for name in step.needs if name in bad]
        result = _not_run(step, scene, missing) or _result_of(step, scene, recorder)
        say(f"{result.status:<8}{step.name:<18}{result.seconds:>6.1f} s  {result.saw}")
        results.append(result)
    return results


def _not_run(step: Step, scene: Scene, missing: Sequence[str]) -> Result | None:
    why = f"it needs {', '.join(missing)}" if missing else ""
    if step.run is credits.expiry and not scene.place.waits_for_expiry:
        why = "it takes an hour: --expiry waits for it (make: EXPIRY=1)"
    return Result(step=step, status=NOT_RUN, saw=why, began=scene.place.clock.now()) if why else None


def _result_of(step: Step, scene: Scene, recorder: Recorder) -> Result:
    recorder.step = step.name
    scene.asked.lines.clear()
    began, start = scene.place.clock.now(), time.monotonic()
    try:
        status, saw = OK, step.run(scene)
    except Exception as error:  # whatever it is, the other steps are verified too
        status, saw = FAILED, f"{type(error).__name__}: {masked(' '.join(str(error).split()))}"
    return Result(
        step=step, status=status, saw=saw, began=began, seconds=time.monotonic() - start, asked=str(scene.asked)
    )
