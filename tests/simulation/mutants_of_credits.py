"""Mutants of what every change of credits goes through: wallets, lots, request markers, campaigns, long changes."""

from tests.simulation.planting import Edit, Mutant

ALWAYS = '"NOT attribute_exists(no_such_attribute)"'  # a condition that refuses nothing
CAMPAIGN_IS_READ_FIRST = """\
    from topup.domain.errors import AlreadyGranted
    from topup.store.credits import load_records
    if request.campaign and load_records(request.user_id, (f"GRANT#{request.campaign}",)):
        if store.load_receipt(request.user_id, request.idempotency_key) is None:
            raise AlreadyGranted
"""
LOT_WITH_CREDITS = (
    '    found = {item["record"]["S"]: item for item in'
    " credits.load_records(key.user_id, (key.record, credit_items.WALLET))}\n"
)
LOT_EVEN_WITHOUT = """\
    used_up = credit_items.empty_lot_record(key.record.rpartition("#")[2])
    records = (key.record, used_up, credit_items.WALLET)
    found = {item["record"]["S"]: item for item in credits.load_records(key.user_id, records)}
"""
GRANT_READS = "    user = store.load_credits(request.user_id, now)\n"
LATER = (
    "wallet = replace(change.wallet, unfinished={lot_writes.record_read(lot): lot.after.remaining for lot in later})"
)
UNFINISHED = (
    "    if change.before.unfinished:\n        finish(change.before)\n"
    '        raise LostRace("the change before this one had to be finished first")\n'
)

MUTANTS_OF_CREDITS = (
    Mutant(
        "ADD without a condition",
        200,
        (
            Edit("topup.store.credits", '"version = :version_read"', '":version_read = :version_read"'),
            Edit("topup.store.lot_writes", '"remaining = :remaining_read"', '":remaining_read = :remaining_read"'),
            Edit("topup.store.lot_writes", '"Item": item, "ConditionExpression": NOT_YET_WRITTEN, ', '"Item": item, '),
        ),
    ),
    Mutant(
        "no check of what remains",
        100,
        (
            Edit(
                "topup.domain.credits",
                "    check_available(user, amount, now)\n",
                "",
            ),
        ),
    ),
    Mutant(
        "an expired lot is spendable",
        500,
        (
            Edit("topup.domain.lots", "for lot in lots if lot.is_open(now))", "for lot in lots if lot.remaining)"),
            Edit("topup.domain.credits", "for lot in self.lots if lot.is_open(now))", "for lot in self.lots)"),
            Edit(
                "topup.store.user_credits",
                "lots=[lot for lot in lots if not lot.is_expired(now)],",
                "lots=lots,",
            ),
        ),
    ),
    Mutant(
        "stream without dedupe",
        500,
        (
            Edit(
                "topup.domain.expiries",
                "    if not lot.is_expired(now) or lot.remaining == 0:",
                "    if not lot.is_expired(now):",
            ),
            Edit("topup.store.expiry", LOT_WITH_CREDITS, LOT_EVEN_WITHOUT),
            Edit(
                "topup.store.expiry",
                "    item = found.get(key.record)\n",
                "    item = found.get(key.record, found.get(used_up))\n",
            ),
            # Else its second write of the lot would have nothing to change, which DynamoDB refuses.
            Edit(
                "topup.store.lot_writes",
                "for lot in lots for write in _lot_writes(lot)]",
                "for lot in lots if lot.amount for write in _lot_writes(lot)]",
            ),
        ),
    ),
    Mutant(
        "spend without a request marker",
        500,
        (
            Edit(
                "topup.store.receipts",
                'KEY_NOT_YET_USED = "attribute_not_exists(user_id)"',
                f"KEY_NOT_YET_USED = {ALWAYS}",
            ),
        ),
    ),
    Mutant(
        "a spend that was made is refused when it is repeated",
        1000,
        (
            Edit(
                "topup.spending",
                "        receipt = store.load_receipt(request.user_id, request.idempotency_key)\n"
                "        if receipt is None:\n            raise\n",
                "        raise\n",
            ),
        ),
    ),
    Mutant(
        "a throttled write is taken for a duplicate",
        3000,
        (
            Edit(
                "topup.store.receipts",
                "AlreadyGranted from None\n        with detect_lost_race():\n            raise\n",
                "AlreadyGranted from None\n        if 'Cancel' in str(error):\n"
                "            with detect_lost_race():\n                raise\n",
            ),
        ),
    ),
    Mutant(
        "a campaign is read, then granted without a condition",
        1000,
        (
            Edit("topup.grants", GRANT_READS, CAMPAIGN_IS_READ_FIRST + GRANT_READS),
            Edit(
                "topup.store.receipts",
                'CAMPAIGN_NOT_YET_GRANTED = "attribute_not_exists(user_id)"',
                f"CAMPAIGN_NOT_YET_GRANTED = {ALWAYS}",
            ),
        ),
    ),
    Mutant("a grant counts as paid", 100, (Edit("topup.grants", "funding=Funding.FREE", "funding=Funding.PAID"),)),
    Mutant(
        "a grant that was made is refused when it is repeated after its expiry",
        2000,
        (
            Edit(
                "topup.grants",
                "    receipt = store.load_receipt(request.user_id, request.idempotency_key)\n",
                "    receipt = None\n",
            ),
        ),
    ),
    Mutant(
        "the wallet's version is not raised",
        100,
        (Edit("topup.domain.credits", "version=wallet.version + 1 if", "version=wallet.version if"),),
    ),
    Mutant(
        "the wallet's version is no condition",
        3000,
        (Edit("topup.store.credits", '"version = :version_read"', '":version_read = :version_read"'),),
    ),
    Mutant(
        "a lot that is used up is lost",
        100,
        (Edit("topup.store.lot_writes", "moved, *timer]", "*([moved] if lot.after.remaining else []), *timer]"),),
    ),
    Mutant(
        "a lot that is used up is not found again",
        100,
        (
            Edit(
                "topup.store.credits",
                "(credit_items.open_lot_record(expires_at, lot_id), credit_items.empty_lot_record(lot_id))",
                "(credit_items.open_lot_record(expires_at, lot_id),)",
            ),
        ),
    ),
    Mutant(
        "the index of what falls due is forgotten",
        2000,
        (Edit("topup.store.credit_items", '"due_shard": lot.lot_id[0] if is_due else None', '"due_shard": None'),),
    ),
    Mutant(
        "the second step of a long change is forgotten",
        500,
        (Edit("topup.store.credits", LATER, "wallet = change.wallet"),),
    ),
    Mutant(
        "the second step of a long change takes its credits twice",
        500,
        (
            Edit(
                "topup.store.credits",
                LATER,
                LATER.replace("lot.after.remaining", "max(0, lot.after.remaining + lot.amount)"),
            ),
        ),
    ),
    Mutant(
        "a reader does not see the second step of a long change",
        500,
        (
            Edit(
                "topup.store.user_credits",
                "lots = [credits.finished(wallet, item) for item in (*refilled, *stored)",
                "lots = [credit_items.lot_from_item(item) for item in (*refilled, *stored)",
            ),
        ),
    ),
    Mutant("a long change is dropped by the next one", 500, (Edit("topup.store.credits", UNFINISHED, ""),)),
    Mutant(
        "what a lot had left then is what it has now",
        200,
        (
            Edit(
                "topup.domain.past",
                "lots=[replace(lot, remaining=figures.remaining[lot.lot_id]) for lot in lots]",
                "lots=list(lots)",
            ),
        ),
    ),
    Mutant(
        "what has come since then is not taken away",
        200,
        (
            Edit(
                "topup.domain.past",
                "    return now.without(dropwhile(lambda entry: entry.created_at <= moment, entries))\n",
                "    return now\n",
            ),
        ),
    ),
    Mutant(
        "the wallet is read after the lots that it vouches for",
        3000,
        (
            Edit("topup.store.user_credits", '"ScanIndexForward": False', '"ScanIndexForward": True'),
            Edit("topup.store.user_credits", "    found.reverse()\n", ""),
        ),
    ),
    Mutant(
        "a page of lots is taken as it was at one moment",
        3000,
        (Edit("topup.store.user_credits", "is_one_page and _adds_up(wallet, lots)", "is_one_page"),),
    ),
    Mutant(
        "pages of lots are taken as they were at one moment",
        3000,
        (
            Edit(
                "topup.store.user_credits",
                "(is_one_page and _adds_up(wallet, lots)) and not _is_unchanged(wallet)",
                "(not is_one_page or _adds_up(wallet, lots)) and not _is_unchanged(wallet)",
            ),
        ),
    ),
    Mutant(
        "a hold that has ended held nothing",
        500,
        (
            Edit(
                "topup.domain.past",
                "for hold in known_holds or ()]",
                "for hold in known_holds or () if hold.status.value == 'open']",
            ),
        ),
    ),
    Mutant(
        "a hold held credits before it was opened",
        500,
        (
            Edit(
                "topup.domain.holds",
                "    if moment < hold.created_at:\n",
                "    if moment < hold.created_at and False:\n",
            ),
            Edit("topup.store.past", "created_at <= :moment AND ends_at", "created_at <> :moment AND ends_at"),
        ),
    ),
    Mutant(
        "a lot that is used up explains nothing",
        200,
        (
            Edit(
                "topup.store.past",
                "lots |= credits.lots_by_id(user_credits.load_credits(user_id, EVER), named)",
                "lots |= {lot.lot_id: lot for lot in user_credits.load_credits(user_id, EVER).lots}",
            ),
        ),
    ),
    Mutant(
        "two requests lead the line at once",
        200,
        (Edit("topup.domain.line", "return stalled >= min(place * PATIENCE, MOST_PATIENCE)", "return True"),),
    ),
    Mutant(
        "nobody follows a request that has died in line",
        3000,
        (Edit("topup.domain.line", "return stalled >= min(place * PATIENCE, MOST_PATIENCE)", "return place == 0"),),
    ),
    Mutant(
        "a spend in line is refused although it can be paid",
        500,
        (Edit("topup.domain.line", "        if one.amount <= left:\n", "        if one.amount < left - 1:\n"),),
    ),
    Mutant(
        "of a turn only the first spend gets a receipt",
        500,
        (
            Edit(
                "topup.store.receipts",
                "TransactItems=[*markers, *beside, *writes]",
                "TransactItems=[*(markers[:1] if beside else markers), *beside, *writes]",
            ),
        ),
    ),
    Mutant(
        "a turn pays also who was paid before",
        3000,
        (
            Edit(
                "topup.store.receipts",
                "for key, receipt in receipts.items()]\n    try:\n        with detect_lost_race(), credits",
                "for key, receipt in receipts.items()]\n"
                "    for marker in markers if beside else ():\n"
                "        del marker['Put']['ConditionExpression'], "
                "marker['Put']['ReturnValuesOnConditionCheckFailure']\n"
                "    try:\n        with detect_lost_race(), credits",
            ),
        ),
    ),
    Mutant(
        "who waits in line gets another one's receipt",
        500,
        (
            Edit(
                "topup.domain.line",
                "zip((one.key for one in paid), made, strict=True)",
                "zip((one.key for one in paid[::-1]), made, strict=True)",
            ),
        ),
    ),
)
