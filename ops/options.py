"""The options of the commands of `python -m ops`."""

import argparse
import re
from argparse import ArgumentParser
from datetime import UTC, datetime

SECRETS = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PROXY_API_KEY", "JWT_SECRET")


def stack(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="a deployed CloudFormation stack, such as topup-prod (default: the local stack that `make run` started)",
    )


def audit(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument(
        "--from", metavar="DIR", help="audit the export in this directory (default: the tables of the stack)"
    )
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
        "--since", type=moment, metavar="TIME", help="with --stripe: compare from here on (default: by the window)"
    )
    parser.add_argument(
        "--until", type=moment, metavar="TIME", help="with --stripe: compare up to here, in UTC (default: now)"
    )


def books(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument("--month", type=month, required=True, help="the month (UTC), such as 2026-10")
    parser.add_argument(
        "--from", metavar="DIR", help="read an export that `make export` made (default: the stack's table of credits)"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="write the summary, the journal and what is outstanding there (default: print only)",
    )


def import_(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="CSV with a header, or JSON lines")
    stack(parser)
    parser.add_argument("--dry-run", action="store_true", help="check and add up the file, and write nothing")


def month(text: str) -> str:
    """A month of the calendar: 2026-10."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"not a month: {text!r}; write 2026-10")
    return text


def moment(text: str) -> datetime:
    """A date or a time by ISO 8601, in UTC where it does not say otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a time: {text!r}; write 2026-10-01 or 2026-10-01T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def export(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument("--out", metavar="DIR", help="an empty or new directory for the files (must be given)")


def reconcile(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument(
        "--window-hours",
        type=int,
        metavar="HOURS",
        help="walk through Stripe's events, refunds and disputes of so many hours, 0 to 720"
        " (default: the events since the last run, and 72 hours of refunds and disputes)",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="walk through delivered events about unpaid payments as well (default: undelivered ones)",
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


def replay(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="the failed batch: a path, or s3://BUCKET/KEY")
    stack(parser)


def stripe_webhook(parser: ArgumentParser) -> None:
    parser.add_argument("--stack", metavar="NAME", help="a deployed CloudFormation stack, such as topup-staging")
    parser.add_argument("--url", help="where Stripe sends its events (default: the stack's WebhookUrl)")
    parser.add_argument("--prefix", help="the SSM path of the secrets, such as /topup/prod (default: the stack's)")
    parser.add_argument("--apply", action="store_true", help="make the changes (default: only print them)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rotate", action="store_true", help="add a new endpoint and secret beside the old ones")
    how.add_argument("--finish", action="store_true", help="end a rotation: disable the old endpoint, drop its secret")


def stage_or_stack(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stage",
        metavar="NAME",
        help="a stage of samconfig.toml, such as staging, which need not be deployed yet (default: none)",
    )
    parser.add_argument(
        "--stack", metavar="NAME", help="a deployed CloudFormation stack, in place of a stage (default: none)"
    )


def secrets(parser: ArgumentParser) -> None:
    stage_or_stack(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--replace", choices=SECRETS, metavar="SECRET", help="ask for a value in place of the stored one")
    how.add_argument("--rotate", choices=SECRETS, metavar="SECRET", help="add a new value; the old one stays accepted")
    how.add_argument("--finish", choices=SECRETS, metavar="SECRET", help="end a rotation: only the new value stays")


def api_key(parser: ArgumentParser) -> None:
    parser.add_argument("--name", metavar="SERVICE", help="whose key, as the ledger shall say (default: list all)")
    parser.add_argument(
        "--scopes",
        metavar="LIST",
        help="what the service may do, such as read,spend (default: what its present key may do)",
    )
    stage_or_stack(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rotate", action="store_true", help="add a new key; the old one stays accepted")
    how.add_argument("--finish", action="store_true", help="end a rotation: only the new key stays")
    how.add_argument("--replace", action="store_true", help="make a new key, and drop the old one at once")
    how.add_argument("--remove", action="store_true", help="drop the service's key")


def doctor(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        help="another address of the stack's webhook, such as a domain of yours; may be repeated (default: none)",
    )


def verify(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="a deployed CloudFormation stack in Stripe's test mode (default: a local stack that is started for this)",
    )
    parser.add_argument(
        "--expiry",
        action="store_true",
        help="wait for the hour after which credits expire (default: only on a local stack, whose clock is moved)",
    )
    parser.add_argument(
        "--fidelity",
        action="store_true",
        help="also put what was found about the simulator into docs/fidelity.md (default: only into the report)",
    )
    parser.add_argument("--out", metavar="FILE", help="the report (default: a file of the time in .cache/verify)")


def find(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a payment's id; Stripe's cs_…, pi_… or ch_…; an e-mail address; or a user's id",
    )
    stack(parser)
    _as_json(parser, "lines")


def explain(parser: ArgumentParser) -> None:
    parser.add_argument("--user", metavar="ID", help="whose credits")
    parser.add_argument("--last", type=int, metavar="N", help="show the last N entries only (default: all of them)")
    stack(parser)
    _as_json(parser, "lines")


def quarantine(parser: ArgumentParser) -> None:
    stack(parser)
    parser.add_argument(
        "--release", metavar="PAYMENT", help="end the quarantine of this payment, after a question (default: list all)"
    )
    parser.add_argument("--action", choices=("fulfil", "refund"), help="how: grant its credits, or give its money back")
    parser.add_argument("--reason", help="why, as the payment shall say (default: it is asked for)")
    parser.add_argument("--by", metavar="NAME", help="who decides, as the payment shall say (default: your login name)")
    _as_json(parser, "lines")


def token(parser: ArgumentParser) -> None:
    parser.add_argument("--user", metavar="ID", help="whose token")
    parser.add_argument(
        "--role", choices=("admin", "support"), help="with the role of an administrator or of support (default: none)"
    )
    parser.add_argument("--hours", type=int, default=1, metavar="N", help="how long it is valid (default: 1)")
    stack(parser)


def _as_json(parser: ArgumentParser, instead: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print JSON, as the API answers (default: {instead})")


def person_export(parser: ArgumentParser) -> None:
    parser.add_argument("--user", metavar="ID", help="the user's id, the `sub` of their token (must be given)")
    stack(parser)


def person_erase(parser: ArgumentParser) -> None:
    person_export(parser)
    parser.add_argument("--yes", action="store_true", help="erase without asking (default: the id has to be typed)")
