"""Mutants of what other systems hear."""

from tests.simulation.planting import Edit, Mutant

REPORTED = "    failed |= {number: None for (number, _), taken in zip(told, is_taken, strict=True) if not taken}\n"
TAKEN = 'taken += ["ErrorCode" not in entry for entry in answer["Entries"]]'
NOT_TAKEN = "return taken + [False] * (len(messages) - len(taken))"

MUTANTS_OF_EVENTS = (
    Mutant(
        "an event that the bus has refused counts as told",
        40,
        (Edit("topup.publishing", REPORTED, ""),),
    ),
    Mutant(
        "of a request to the bus only the whole can fail",
        40,
        (Edit("topup.runtime.event_bus", TAKEN, 'taken += [True for _ in answer["Entries"]]'),),
    ),
    Mutant(
        "a bus that does not answer has taken the events",
        100,
        (Edit("topup.runtime.event_bus", NOT_TAKEN, "return taken + [True] * (len(messages) - len(taken))"),),
    ),
    Mutant(
        "an event has a new id each time",
        40,
        (
            Edit("topup.domain.events", "event_id=entry.transaction_id", "event_id=str(uuid.uuid4())"),
            Edit(
                "topup.domain.events",
                'return str(uuid.uuid5(_EVENT_IDS, "\\n".join([kind.value, *occasion])))',
                "return str(uuid.uuid4())",
            ),
        ),
    ),
    Mutant(
        "a batch with two entries of a user tells of one",
        40,
        (
            Edit(
                "topup.store.batches",
                'return {(item["user_id"]["S"], item["record"]["S"]): item for item in items}',
                'of_users = {item["user_id"]["S"]: item for item in items}\n'
                '    return {(user_id, item["record"]["S"]): item for user_id, item in of_users.items()}',
            ),
        ),
    ),
)
