"""The commands of `python -m ops`, and what their help says."""

from ops import customer_commands, options
from ops.command import Command
from ops.options import SECRETS

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
were not swept, handles undelivered events and all payments that nobody told of, and
compares Stripe's refunds and disputes with ours. Prints for each sweep how many records
it found, repaired and ended, how often it failed, and what it cannot apply. Running it
twice changes nothing; one that ran out of time goes on when it is run again.""",
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
VERIFY = Command(
    name="verify",
    module="ops.verify.command",
    summary="buy, refund, dispute, spend … on a stack in Stripe's test mode",
    details="""\
Run every flow on a stack, as its buyers, services and administrators and as people at
Stripe: purchase, decline, 3-D Secure, refunds, a dispute, a late webhook, a wrong
signature, grant, spend, hold, reversal, expiry, and the audit. Users, payments and
refunds of the run stay. It refuses a live key. Every exchange with Stripe is compared
with what the simulator answers to the same request. A report has it all. Without
--stack it runs on a local stack of its own, with the simulator in Stripe's place.""",
    add_arguments=options.verify,
    when_0="every step is as promised (some may not be run)",
    when_1="a step is not; the others were run all the same",
    examples=("verify --stack topup-staging", "verify --stack topup-staging --fidelity", "verify"),
)

GROUPS = {
    "help a customer": customer_commands.ALL,
    "check (changes nothing)": (DOCTOR, AUDIT, EXPORT, BOOKS),
    "try out (test mode only)": (VERIFY,),
    "repair (safe to run twice)": (RECONCILE, REPLAY_EXPIRY, REPLAY_EVENTS),
    "set up": (SECRETS_COMMAND, API_KEY, STRIPE_WEBHOOK, IMPORT),
}
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}
