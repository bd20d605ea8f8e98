"""`doctor`: check that a stack is configured correctly, one line per check, with the command that fixes a problem.

It changes nothing and shows no secret.
"""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import stripe
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT
from ops import target
from ops.doctor import alarms, aws, settings, streams, stripe_account, subject
from ops.doctor.subject import Finding, Subject, wrong
from ops.errors import CannotRunError
from ops.stripe_webhook.endpoints import in_words

Check = Callable[[], Iterable[Finding]]


def run(options: Namespace) -> int:
    found = (
        subject.of_stack(options.stack, options.root, options.url) if options.stack else subject.of_local(options.root)
    )
    findings = []
    for finding in examine(found, options.root):
        print(finding, flush=True)
        findings.append(finding)
    print(f"\n{options.stack or 'the local stack'}: {summary(findings)}")
    return 1 if any(finding.level == "wrong" for finding in findings) else 0


def examine(found: Subject, root: Path = ROOT) -> Iterator[Finding]:
    """All findings, in the order in which to fix them."""
    checks: dict[str, Check] = {
        "settings": lambda: settings.check(found),
        "Stripe": lambda: stripe_account.check(found),
        "tables": lambda: aws.tables(found, root / "template.yaml"),
        "streams": lambda: streams.triggers(found),
        "concurrency": lambda: aws.concurrency(found),
        "alarms": lambda: alarms.listeners(found),
    }
    with target.tables(found.environment):
        for name, check in checks.items():
            yield from _one(name, check)


def _one(name: str, check: Check) -> Iterator[Finding]:
    """One check that cannot run must not stop the others."""
    try:
        yield from check()
    except (BotoCoreError, ClientError) as error:
        yield wrong(name, f"not checked: {error}", "do these AWS credentials allow it?")
    except CannotRunError as error:
        yield wrong(name, f"not checked: {error}", "run doctor again")
    except stripe.StripeError as error:
        yield wrong(name, f"not checked: {in_words(error)}", "run doctor again")


def summary(findings: list[Finding]) -> str:
    counted = {level: sum(finding.level == level for finding in findings) for level in ("ok", "warn", "wrong")}
    return ", ".join(f"{number} {level}" for level, number in counted.items())
