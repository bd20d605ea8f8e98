"""`make doctor`: is everything configured as it must be? One line per check; exit 1 if something is wrong.

It reads and changes nothing. What is wrong comes with the command that mends it; no secret is ever shown.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import stripe
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT
from local.aws.intrinsics import TemplateError
from ops import target
from ops.doctor import aws, settings, stripe_account, subject
from ops.doctor.subject import Finding, Patient, wrong
from ops.stripe_webhook.endpoints import in_words
from ops.target import TargetError

Check = Callable[[], Iterable[Finding]]


def examine(found: Patient, root: Path = ROOT) -> Iterator[Finding]:
    """All findings, in the order in which they should be mended."""
    checks: dict[str, Check] = {
        "settings": lambda: settings.check(found),
        "Stripe": lambda: stripe_account.check(found),
        "tables": lambda: aws.tables(found, root / "template.yaml"),
        "concurrency": lambda: aws.concurrency(found),
    }
    with target.tables(found.environment):
        for name, check in checks.items():
            yield from _one(name, check)


def _one(name: str, check: Check) -> Iterator[Finding]:
    """What keeps one check from being made must not keep the others from being made."""
    try:
        yield from check()
    except (BotoCoreError, ClientError) as error:
        yield wrong(name, f"not checked: {error}", "may these AWS credentials read it?")
    except stripe.StripeError as error:
        yield wrong(name, f"not checked: {in_words(error)}", "make doctor again")


def summary(findings: list[Finding]) -> str:
    counted = {level: sum(finding.level == level for finding in findings) for level in ("ok", "warn", "wrong")}
    return ", ".join(f"{number} {level}" for level, number in counted.items())


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make doctor", description="Checks the configuration of a stack.")
    parser.add_argument("--stack", help="a deployed stack's name, instead of the local stack")
    parser.add_argument("--url", action="append", default=[], help="one more address of the webhook: a domain of yours")
    options = parser.parse_args(arguments)
    try:
        found = subject.of_stack(options.stack, options.url) if options.stack else subject.of_local(root)
    except (TargetError, TemplateError, BotoCoreError, ClientError) as error:
        print(f"cannot examine: {error}", file=sys.stderr)
        return 2
    findings = []
    for finding in examine(found, root):
        print(finding, flush=True)
        findings.append(finding)
    print(f"\n{options.stack or 'the local stack'}: {summary(findings)}")
    return 1 if any(finding.level == "wrong" for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
