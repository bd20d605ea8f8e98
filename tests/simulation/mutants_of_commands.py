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
        "an import leaves out a row whose user is busy",
        2000,
        (Edit(COMMAND, "        except AlreadyGranted:\n", "        except (AlreadyGranted, Busy):\n"),),
    ),
    Mutant(
        "a file that contradicts the ledger is taken",
        300,
        (
            Edit(
                COMMAND,
                "            if difference := _difference(row, before):\n",
                "            if difference := False:\n",
            ),
        ),
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
        "an erasure leaves the places in line",
        3000,
        (
            Edit(
                PERSONS,
                '        if item["record"]["S"] != credit_items.WALLET\n',
                '        if not item["record"]["S"].startswith((credit_items.WALLET, credit_items.PENDING))\n',
            ),
        ),
    ),
    Mutant(
        "an erasure takes the places in line along",
        3000,
        (Edit(PERSONS, "credit_items.CAMPAIGN, credit_items.PENDING)", "credit_items.CAMPAIGN)"),),
    ),
    Mutant(
        "an erasure leaves the reasons of refunds",
        1000,
        (Edit(PERSONS, 'return {"reason": ERASED} if "reason" in item else {}', "return {}"),),
    ),
    Mutant(
        "an erasure does not look whether the wallet has changed",
        2000,
        (Edit(PERSONS, 'UNCHANGED = "version = :version"', 'UNCHANGED = "version >= :version"'),),
    ),
    Mutant(
        "an erasure does not wait for holds",
        1000,
        (Edit("ops.person.erase", "if hold.status is HoldStatus.OPEN:", "if hold.status is None:"),),
    ),
    Mutant(
        "a change is written while the records move",
        1000,
        (Edit("topup.store.credits", "    if change.before.moves_to:\n", "    if False:\n"),),
    ),
    Mutant(
        "what an erasure has asked for reaches the next wallet",
        3000,
        (
            Edit(
                PERSONS,
                'MOVES_THERE = "moves_to = :pseudonym"\n',
                'MOVES_THERE = "moves_to = :pseudonym OR attribute_not_exists(moves_to)"\n',
            ),
        ),
    ),
    Mutant(
        "the pseudonym stays locked",
        300,
        (Edit(PERSONS, '"UpdateExpression": "REMOVE moves_to"}', '"UpdateExpression": "REMOVE moved_to"}'),),
    ),
    Mutant(
        "the key of a payment that was erased buys for the pseudonym",
        1000,
        (Edit("topup.domain.placing", "    if existing.user_id != requested.user_id:\n", "    if False:\n"),),
    ),
    Mutant(
        "a user who changes is audited once",
        1000,
        (
            Edit(
                "topup.daily_report",
                "    return [finding for finding in _findings(user_id, now) if finding in first] if first else []\n",
                "    return first\n",
            ),
        ),
    ),
    Mutant(
        "a user whose records move is audited",
        1000,
        (
            Edit(
                "topup.daily_report",
                "if account is None or account.wallet.moves_to:",
                "if account is None:",
            ),
        ),
    ),
    Mutant(
        "an account is read in the middle of a change",
        3000,
        (Edit("topup.store.scans", "        if parts.wallet.version == before.version:\n", "        if before:\n"),),
    ),
    Mutant(
        "all that was paid is owed as long as a credit is left",
        300,
        (Edit("topup.domain.days", "+ lot.paid_minor - gone", "+ lot.paid_minor - 0 * gone"),),
    ),
)
