"""The commands of `python -m ops`, and what their help says."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass

from ops import options
from ops.options import SECRETS


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


DOCTOR = Command(
    name="doctor",
    module="ops.doctor.checks",
    summary="check that a stack is configured correctly",
    details="""\
Check the settings, secrets, Stripe key, webhook endpoint, tables, backups and
concurrency of a stack, and whether anybody hears of its alarms. Prints one line per check, and after each problem the
command that fixes it. Changes nothing and shows no secret.""",
    add_arguments=options.doctor,
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
With --from it reads the files of `export` instead, of any size, on all cores.
With --stack the number of violations also goes to the metric AuditViolations.
With --stripe it also compares payments, refunds and disputes with Stripe's, both
ways and one by one; each difference comes with the command that repairs it.""",
    add_arguments=options.audit,
    when_0="no violations (there may be users who were too busy to be judged)",
    when_1="violations",
    examples=(
        "audit",
        "audit --stack topup-prod",
        "audit --from exports/today",
        "audit --stack topup-prod --stripe --since 2026-10-01",
    ),
)
EXPORT = Command(
    name="export",
    module="ops.export.command",
    summary="copy both tables to files, in DynamoDB's own format",
    details="""\
Write all records of both tables to a directory, for `audit --from` and other tools:
gzipped lines of DynamoDB JSON, with manifests. With --stack DynamoDB exports the
tables to the stack's bucket ExportsBucketName, as of one moment some five minutes
ago and without reading them, and the files are fetched from there; that takes
minutes, and after an interruption the same command goes on. The local stack's
tables are scanned. The files hold personal data.""",
    add_arguments=options.export,
    when_0="done: every file is as its manifest says",
    when_1="(none)",
    examples=("export --stack topup-prod --out exports/today", "export --out exports/local"),
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
    add_arguments=options.reconcile,
    when_0="complete, without failures",
    when_1="a repair failed, something is stuck, or time ran out: run it again",
    examples=("reconcile --stack topup-prod --window-hours 720 --all", "reconcile --sweep-after-hours 0"),
)
REPLAY_EXPIRY = Command(
    name="replay-expiry",
    module="ops.replay",
    summary="run a failed batch of expiries again",
    details="""\
Run the records of a failed batch again. Lambda wrote the batch to the stack's
bucket ExpiryFailuresBucketName (locally to .cache/local/expiry-failures/) after
its last retry. Records that are done already change nothing.""",
    add_arguments=options.replay,
    when_0="every record is done",
    when_1="some records failed again",
    examples=("replay-expiry --stack topup-prod s3://BUCKET/KEY",),
)
REPLAY_EVENTS = Command(
    name="replay-events",
    module="ops.replay",
    summary="publish a failed batch of events again",
    details="""\
Run the records of a failed batch of publish_events again. Lambda wrote the batch to
the stack's bucket ExpiryFailuresBucketName (locally to .cache/local/expiry-failures/)
after its last retry. An event that was published already is published once more,
under the same id.""",
    add_arguments=options.replay,
    when_0="every record's events are published",
    when_1="some records failed again",
    examples=("replay-events --stack topup-prod s3://BUCKET/KEY",),
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
    add_arguments=options.stripe_webhook,
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
    add_arguments=options.secrets,
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
    add_arguments=options.api_key,
    when_0="done, or nothing to do",
    when_1="not yet: another rotation is under way",
    examples=(
        "api-key --stage prod --name billing --scopes read,spend",
        "api-key --stage prod --name billing --rotate",
        "api-key --stage prod --name billing --finish",
        "api-key --stage prod",
    ),
)
FIND = Command(
    name="find",
    module="ops.find.command",
    summary="what became of a payment, or of a user's payments",
    details="""\
Find a payment by its id, by Stripe's id of its session, payment intent or charge, or
by the e-mail address that its buyer gave on the pay page; or a user by id. Prints one
time line of the order, Stripe's events and whether they arrived, and the ledger; what
Stripe has now; the lots; a verdict in one sentence, and the next command to run.
Changes nothing.""",
    add_arguments=options.find,
    when_0="found, and nothing is to be repaired or decided",
    when_1="not found, or something is to be repaired or decided",
    examples=("find cs_test_a1b2c3", "find buyer@example.com --stack topup-prod", "find user-demo --json"),
)
EXPLAIN = Command(
    name="explain",
    module="ops.explain",
    summary="why a user has so many credits",
    details="""\
Print every entry of a user's ledger, oldest first: the balance before and after it,
who did it and why, and which lots it took credits of or gave them to, with the
payment that paid for them and until when they live. Then what is left of each lot,
what is owed, what open holds reserve, and whether everything adds up.""",
    add_arguments=options.explain,
    when_0="everything adds up",
    when_1="something does not, or no user of this id ever had credits",
    examples=("explain --user user-demo", "explain --user user-demo --last 20 --stack topup-prod"),
)
PERSON_EXPORT = Command(
    name="person-export",
    module="ops.person.documents",
    summary="print everything that is stored about a user",
    details="""\
Print every record of a user as one JSON document: wallet, ledger, lots, holds, requests
and payments. It also says where else something may be kept.""",
    add_arguments=options.person_export,
    when_0="printed",
    when_1="(none)",
    examples=("person-export --user user-demo", "person-export --user user-demo --stack topup-prod"),
)
PERSON_ERASE = Command(
    name="person-erase",
    module="ops.person.erase",
    summary="let a user's records stand under a pseudonym",
    details="""\
Move everything that is stored about a user to a pseudonym, without the descriptions,
reasons and metadata. Money, credits and dates stay for the books. Asks first. After
an interruption, run it again. It ends with a list of what it cannot reach.""",
    add_arguments=options.person_erase,
    when_0="done",
    when_1="the question was not answered with the user's id: nothing was erased",
    examples=("person-erase --user user-demo", "person-erase --user user-demo --stack topup-prod"),
)
QUARANTINE = Command(
    name="quarantine",
    module="ops.quarantine",
    summary="list the quarantined payments, and end a quarantine",
    details="""\
List the payments that somebody made and that did not match their order: why, whose,
since when, and the commands that end it. With --release it shows the payment and what
Stripe has of it, asks, and then grants its credits or gives its money back, by the
code of the API. The answer is yes, or nothing is changed. The same command again
continues what was interrupted.""",
    add_arguments=options.quarantine,
    when_0="nothing waits; with --release: it has ended",
    when_1="payments wait; with --release: not ended, or not known yet",
    examples=(
        "quarantine --stack topup-prod",
        "quarantine --release PAYMENT_ID --action refund --reason 'Paid twice' --by alice",
    ),
)
TOKEN = Command(
    name="token",
    module="ops.user_token",
    summary="make a token for calling the API",
    details="""\
Sign a token with the secret JWT_SECRET that the stack shares, for a user, an
administrator or a member of the support staff. The token alone goes to the
standard output. Where an identity provider signs the tokens, it says so.""",
    add_arguments=options.token,
    when_0="made",
    when_1="(never)",
    examples=("token --user on-call --role admin --stack topup-staging", "token --user user-demo"),
)
BOOKS = Command(
    name="books",
    module="ops.books.command",
    summary="close a month for the accountant",
    details="""\
Add up a month (UTC) from the users' ledger entries alone: what was owed to users at
its beginning, what was sold, used, refunded, adjusted and expired, and what is owed at
its end, by currency and package. Prints a summary in Markdown; with --out it also
writes the summary, the journal and what is outstanding (CSV). A month that is over
gives the same figures for ever. With --from it reads an export instead of the table.
docs/accounting.md explains the terms.""",
    add_arguments=options.books,
    when_0="the month is added up",
    when_1="(never)",
    examples=("books --month 2026-10 --stack topup-prod --out books",),
)
IMPORT = Command(
    name="import",
    module="ops.imports.command",
    summary="take over credits that users have elsewhere",
    details="""\
Import credits from a file: user_id, credits, expires_at (empty: never), paid (what
was paid for these credits, without tax; empty: they are free), currency, external_id
(their name in the other system). Each row becomes a lot, once: running it again
imports only what is missing. Bad rows are named by their line before anything is
written. Prints control totals: of the file, before, now, and read back.""",
    add_arguments=options.import_,
    when_0="all rows are in the table (with --dry-run: could be)",
    when_1="bad rows, or something in the table is not as in the file",
    examples=("import balances.csv --dry-run", "import balances.csv --stack topup-prod"),
)

GROUPS = {
    "help a customer": (FIND, EXPLAIN, QUARANTINE, TOKEN, PERSON_EXPORT, PERSON_ERASE),
    "check (changes nothing)": (DOCTOR, AUDIT, EXPORT, BOOKS),
    "repair (safe to run twice)": (RECONCILE, REPLAY_EXPIRY, REPLAY_EVENTS),
    "set up": (SECRETS_COMMAND, API_KEY, STRIPE_WEBHOOK, IMPORT),
}
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}
