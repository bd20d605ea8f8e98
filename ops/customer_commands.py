"""The commands with which a customer is helped, and what their help says."""

from ops import options
from ops.command import Command

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

ALL = (FIND, EXPLAIN, QUARANTINE, TOKEN, PERSON_EXPORT, PERSON_ERASE)
