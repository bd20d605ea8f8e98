"""The commands of `python -m ops`: their options, and what their help says."""

import argparse
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

SECRETS = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PROXY_API_KEY", "JWT_SECRET")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command. Its module's `run(options)` returns the exit code, or raises CannotRunError."""

    name: str
    module: str
    summary: str  # one line
    details: str
    add_arguments: Callable[[ArgumentParser], None]
    when_0: str
    when_1: str
    examples: tuple[str, ...]


def _stack(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="a deployed CloudFormation stack, such as topup-prod (default: the local stack that `make run` started)",
    )


def _audit(parser: ArgumentParser) -> None:
    _stack(parser)
    parser.add_argument(
        "--stripe",
        action="store_true",
        help="also compare payments, refunds and disputes with Stripe's lists (default: only the tables)",
    )
    parser.add_argument(
        "--window-hours",
        type=int,
        metavar="HOURS",
        help="with --stripe: how far back to compare (default: 720, which is 30 days)",
    )
    parser.add_argument(
        "--since", type=_moment, metavar="TIME", help="with --stripe: compare from here on (default: by the window)"
    )
    parser.add_argument(
        "--until", type=_moment, metavar="TIME", help="with --stripe: compare up to here, in UTC (default: now)"
    )


def _moment(text: str) -> datetime:
    """A date or a time by ISO 8601, in UTC where it does not say otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a time: {text!r}; write 2026-10-01 or 2026-10-01T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reconcile(parser: ArgumentParser) -> None:
    _stack(parser)
    parser.add_argument(
        "--window-hours",
        type=int,
        metavar="HOURS",
        help="walk through Stripe's undelivered events, refunds and disputes of so many hours, 0 to 720"
        " (default: the events since the last run, and 72 hours of refunds and disputes)",
    )
    parser.add_argument(
        "--all", action="store_true", help="walk through delivered events as well (default: undelivered ones only)"
    )
    parser.add_argument(
        "--settled",
        action="append",
        metavar="ID",
        help="the id of an event, refund or dispute that is stuck, and that needs no further try; may be repeated"
        " (default: none)",
    )
    parser.add_argument(
        "--sweep-after-hours",
        type=int,
        metavar="HOURS",
        help="expire lots that are past their expiry by this long, 0 to 720 hours; 0 means all (default: 48)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON (default: a table)")


def _replay_expiry(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="the failed batch: a path, or s3://BUCKET/KEY")
    _stack(parser)


def _stripe_webhook(parser: ArgumentParser) -> None:
    parser.add_argument("--stack", metavar="NAME", help="a deployed CloudFormation stack, such as topup-staging")
    parser.add_argument("--url", help="where Stripe sends its events (default: the stack's WebhookUrl)")
    parser.add_argument("--prefix", help="the SSM path of the secrets, such as /topup/prod (default: the stack's)")
    parser.add_argument("--apply", action="store_true", help="make the changes (default: only print them)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rotate", action="store_true", help="add a new endpoint and secret beside the old ones")
    how.add_argument("--finish", action="store_true", help="end a rotation: disable the old endpoint, drop its secret")


def _stage_or_stack(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stage",
        metavar="NAME",
        help="a stage of samconfig.toml, such as staging, which need not be deployed yet (default: none)",
    )
    parser.add_argument(
        "--stack", metavar="NAME", help="a deployed CloudFormation stack, in place of a stage (default: none)"
    )


def _secrets(parser: ArgumentParser) -> None:
    _stage_or_stack(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--replace", choices=SECRETS, metavar="SECRET", help="ask for a value in place of the stored one")
    how.add_argument("--rotate", choices=SECRETS, metavar="SECRET", help="add a new value; the old one stays accepted")
    how.add_argument("--finish", choices=SECRETS, metavar="SECRET", help="end a rotation: only the new value stays")


def _api_key(parser: ArgumentParser) -> None:
    parser.add_argument("--name", metavar="SERVICE", help="whose key, as the ledger shall say (default: list all)")
    parser.add_argument(
        "--scopes",
        metavar="LIST",
        help="what the service may do, such as read,spend (default: what its present key may do)",
    )
    _stage_or_stack(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rotate", action="store_true", help="add a new key; the old one stays accepted")
    how.add_argument("--finish", action="store_true", help="end a rotation: only the new key stays")
    how.add_argument("--replace", action="store_true", help="make a new key, and drop the old one at once")
    how.add_argument("--remove", action="store_true", help="drop the service's key")


def _doctor(parser: ArgumentParser) -> None:
    _stack(parser)
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        help="another address of the stack's webhook, such as a domain of yours; may be repeated (default: none)",
    )


DOCTOR = Command(
    name="doctor",
    module="ops.doctor.checks",
    summary="check that a stack is configured correctly",
    details="""\
Check the settings, secrets, Stripe key, webhook endpoint, tables, backups and
concurrency of a stack, and whether anybody hears of its alarms. Prints one line per check, and after each problem the
command that fixes it. Changes nothing and shows no secret.""",
    add_arguments=_doctor,
    when_0="nothing is wrong (there may be warnings)",
    when_1="something is wrong",
    examples=("doctor --stack topup-prod", "doctor"),
)
AUDIT = Command(
    name="audit",
    module="ops.audit.command",
    summary="check that all stored credits and payments add up",
    details="""\
Read both tables and check every invariant of wallets, lots, ledger entries and
payments. Prints one line per violation, then a summary. Repairs nothing, and may
run beside live traffic: whatever looks wrong is read again before it is reported.
With --stack the number of violations also goes to the metric AuditViolations.
With --stripe it also compares payments, refunds and disputes with Stripe's, both
ways and one by one; each difference comes with the command that repairs it.""",
    add_arguments=_audit,
    when_0="no violations (there may be users who were too busy to be judged)",
    when_1="violations",
    examples=("audit", "audit --stack topup-prod", "audit --stack topup-prod --stripe --since 2026-10-01"),
)
RECONCILE = Command(
    name="reconcile",
    module="ops.reconcile",
    summary="find and repair what was lost",
    details="""\
Run the reconcile function now, as its schedule does every 15 minutes. It resumes
refunds in flight, asks Stripe about payments that are still open, expires lots that
were not swept, handles undelivered events, and compares Stripe's refunds and disputes
with ours. Prints for each sweep how many records it found, repaired and ended, and
what it cannot apply. Running it twice changes nothing; one that ran out of time goes
on when it is run again.""",
    add_arguments=_reconcile,
    when_0="complete, without failures",
    when_1="a repair failed, something is stuck, or time ran out: run it again",
    examples=("reconcile --stack topup-prod --window-hours 720 --all", "reconcile --sweep-after-hours 0"),
)
REPLAY_EXPIRY = Command(
    name="replay-expiry",
    module="ops.replay_expiry",
    summary="run a failed batch of expiries again",
    details="""\
Run the records of a failed batch again. Lambda wrote the batch to the stack's
bucket ExpiryFailuresBucketName (locally to .cache/local/expiry-failures/) after
its last retry. Records that are done already change nothing.""",
    add_arguments=_replay_expiry,
    when_0="every record is done",
    when_1="some records failed again",
    examples=("replay-expiry --stack topup-prod s3://BUCKET/KEY",),
)
STRIPE_WEBHOOK = Command(
    name="stripe-webhook",
    module="ops.stripe_webhook.setup",
    summary="set up or rotate Stripe's webhook endpoint and its signing secret",
    details="""\
Give a deployed stack a webhook endpoint at Stripe with exactly our event types
and API version, and store its signing secret in Parameter Store. Without --apply
it only prints what it would do. After a failure, run it again: it continues from
what is there. Needs --stack, or --url and --prefix. The Stripe key is that below
the prefix, else STRIPE_SECRET_KEY.""",
    add_arguments=_stripe_webhook,
    when_0="done, or nothing to do",
    when_1="not yet: the step would lose events now",
    examples=(
        "stripe-webhook --stack topup-prod --apply",
        "stripe-webhook --stack topup-prod --rotate --apply",
        "stripe-webhook --stack topup-prod --finish --apply",
    ),
)

SECRETS_COMMAND = Command(
    name="secrets",
    module="ops.secrets.command",
    summary="store, replace and rotate the secrets of a stack",
    details=f"""\
Ask for the secrets that are not stored yet, without echo; generate those that can
be generated; check them, and store them encrypted in Parameter Store, with the
stack's KMS key. What is stored in clear text or under another key is stored again.
Prints no secret. SECRET is one of {", ".join(SECRETS[:2])},
{" or ".join(SECRETS[2:])}.""",
    add_arguments=_secrets,
    when_0="done, or nothing to do",
    when_1="not yet: another rotation is under way",
    examples=(
        "secrets --stage staging",
        "secrets --stage prod --rotate PROXY_API_KEY",
        "secrets --stage prod --finish PROXY_API_KEY",
    ),
)
API_KEY = Command(
    name="api-key",
    module="ops.secrets.api_key",
    summary="make, rotate and withdraw the key of one of your services",
    details="""\
Generate a key for a service, under the name that the ledger will show for what it
does, and store it in PROXY_API_KEY beside the keys of other services. The key alone
goes to the standard output, once; it cannot be shown again. Without --name it lists
which services have keys, and what each may do: checkout, read, spend, grant.""",
    add_arguments=_api_key,
    when_0="done, or nothing to do",
    when_1="not yet: another rotation is under way",
    examples=(
        "api-key --stage prod --name billing --scopes read,spend",
        "api-key --stage prod --name billing --rotate",
        "api-key --stage prod --name billing --finish",
        "api-key --stage prod",
    ),
)

GROUPS = {
    "check (changes nothing)": (DOCTOR, AUDIT),
    "repair (safe to run twice)": (RECONCILE, REPLAY_EXPIRY),
    "set up": (SECRETS_COMMAND, API_KEY, STRIPE_WEBHOOK),
}
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}
