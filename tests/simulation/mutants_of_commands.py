"""Mutants of operators' commands and of the daily report: what is imported, who is erased, what is found wrong."""

from tests.simulation.planting import Edit, Mutant

LOTS, COMMAND, PERSONS = "ops.imports.lots", "ops.imports.command", "topup.store.persons"
LOT_ID = 'str(uuid.uuid5(_LOT_IDS, f"{row.external_id}:{row.user_id}"))'
UUID = "import uuid\n"
COUNTS = "import uuid\nfrom itertools import count\n\n_NUMBERS = count()\n"

MUTANTS_OF_COMMANDS = (
    Mutant(
        "the ids of an import come from a counter",
        200,
        (
            Edit(LOTS, UUID, COUNTS),
            Edit(LOTS, LOT_ID, "str(uuid.uuid5(_LOT_IDS, str(next(_NUMBERS))))"),
        ),
    ),
    Mutant(
        "an import that is run again imports again",
        200,
        (
            Edit(LOTS, UUID, COUNTS),
            Edit(LOTS, LOT_ID, "str(uuid.uuid5(_LOT_IDS, str(next(_NUMBERS))))"),
            Edit(LOTS, 'return f"import:{row.external_id}"', 'return f"import:{next(_NUMBERS)}"'),
        ),
    ),
    Mutant(
        "an import forgets what was paid",
        200,
        (Edit(LOTS, "        paid_minor=row.paid_minor,\n", ""),),
    ),
    Mutant(
        "a file that contradicts the ledger is taken",
        300,
        (Edit(COMMAND, "    difference = _difference(row, stored)\n", '    difference = ""\n'),),
    ),
    Mutant(
        "an erasure forgets the holds",
        1000,
        (Edit(PERSONS, "credit_items.CAMPAIGN, credit_items.PENDING)", "credit_items.CAMPAIGN, hold_items.HOLD)"),),
    ),
    Mutant(
        "an erasure leaves the receipts",
        300,
        (
            Edit(
                PERSONS,
                '        if item["record"]["S"] != credit_items.WALLET\n',
                '        if not item["record"]["S"].startswith((credit_items.WALLET, credit_items.MARKER))\n',
            ),
        ),
    ),
    Mutant(
        "a change is written while the records move",
        1000,
        (Edit("topup.store.credits", "    if change.before.moves_to:\n", "    if False:\n"),),
    ),
    Mutant(
        "the pseudonym stays locked",
        300,
        (Edit(PERSONS, '"UpdateExpression": "REMOVE moves_to, ', '"UpdateExpression": "REMOVE moved_to, '),),
    ),
    Mutant(
        "a lock that comes late locks who was erased",
        0,
        (Edit(PERSONS, "    if proof and not is_there:\n", "    if False:\n"),),
        plan="seed-19",
    ),
    Mutant(
        "the next wallet of who was erased begins as the first one did",
        100,
        (Edit("topup.domain.credits", "int(entry.created_at.timestamp() * 1000)", "1"),),
    ),
    Mutant(
        "the key of a payment that was erased buys for the pseudonym",
        1000,
        (Edit("topup.domain.placing", "    if existing.user_id != requested.user_id:\n", "    if False:\n"),),
    ),
    Mutant(
        "credits of who was erased are told of again",
        3000,
        (
            Edit(
                "topup.store.expiry",
                "for item in items.values() if credit_items.COPIED not in item]",
                "for item in items.values()]",
            ),
        ),
    ),
    Mutant(
        "all that was paid is owed as long as a credit is left",
        300,
        (Edit("topup.domain.days", "+ lot.paid_minor - gone", "+ lot.paid_minor - 0 * gone"),),
    ),
)
