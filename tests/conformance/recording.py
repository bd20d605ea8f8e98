"""All requests that the store sends while the scenarios run."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local import ROOT
from tests.conformance import recorder
from tests.conformance.requests import Sample

STORE = ROOT / "layers" / "topup" / "topup" / "store"
SCENARIOS = (
    "integration/test_adjustments.py",
    "integration/test_as_of.py",
    "integration/test_batches.py",
    "integration/test_checkouts.py",
    "integration/test_clawback.py",
    "integration/test_credits.py",
    "integration/test_daily_report.py::test_users_who_changed_are_audited_and_what_is_wrong_is_counted_and_logged",
    "integration/test_disputes.py",
    "integration/test_expiry.py",
    "integration/test_explained_entries.py",
    # Its other records are full.
    "integration/test_full_clawback_records.py::test_a_short_record_is_left_as_it_is",
    "integration/test_fulfilment.py",
    "integration/test_fulfilment_under_faults.py",
    "integration/test_grants.py",
    "integration/test_holds.py",
    "integration/test_lists.py",
    # Its other changes have hundreds of lots each.
    "integration/test_many_lots.py::test_the_next_change_finishes_an_unfinished_one_first",
    "integration/test_many_refunds.py",
    "integration/test_older_versions.py",
    "integration/test_payment_status.py",
    "integration/test_reconciliation.py",
    "integration/test_refunds.py",
    "integration/test_refunds_under_faults.py",
    "integration/test_releases.py::test_refunding_gives_all_of_the_money_back_and_ends_the_payment",
    "integration/test_releases.py::test_they_are_decided_over_one_after_the_other",
    "integration/test_spend_reversals.py",
    "integration/test_spending.py",
    "integration/test_spending_line.py",
    "ops/test_audit.py",
    "ops/test_person.py::test_the_books_and_the_other_users_stay_right",
    "ops/test_person.py::test_a_user_without_a_wallet_is_erased_too",
    "ops/test_person.py::test_a_user_of_whom_only_a_place_in_line_is_left_is_erased_too",
)
# They send the requests of other scenarios, hundreds of times.
LEFT_OUT = (
    "integration/test_reconciliation.py::test_a_sweep_whose_listing_fails_is_counted_and_the_others_still_run",
    "integration/test_reconciliation.py::test_an_abandoned_checkout_is_read_at_stripe_less_and_less_often_until_it_expires",
    "integration/test_reconciliation.py::test_short_runs_together_get_past_lots_that_cannot_be_expired",
    "integration/test_spending.py::test_a_spend_from_many_lots_that_ends_at_any_call_is_whole_for_every_reader",
)
EXPRESSION = re.compile(
    r"attribute_(not_)?exists\(|begins_with\(|list_append\(|(=|<|>|<=|>=|<>) :|BETWEEN|^(SET|REMOVE|ADD|DELETE) \w"
)


def recorded(folder: Path) -> list[Sample]:
    """The requests that the store sends in the scenarios of the integration tests, on the emulator in process."""
    file = folder / "requests.json"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    chosen = [*(f"tests/{path}" for path in SCENARIOS), *(f"--deselect=tests/{path}" for path in LEFT_OUT)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", recorder.__name__, "-p", "no:cacheprovider", *chosen],
        cwd=ROOT,
        env={**own, recorder.FILE: str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return [Sample(**sample) for sample in json.loads(file.read_text(encoding="utf-8"))]


def expressions_in_the_source() -> set[str]:
    """Every whole text in the store's source that looks like an expression."""
    return {text for path in sorted(STORE.glob("*.py")) for text in _texts(path) if EXPRESSION.search(text)}


def is_part_of(text: str, expression: str) -> bool:
    """True if the expression has this text of the source; its `{0}` stands for the name of an attribute."""
    return re.search(re.escape(text).replace(r"\{0\}", r"\w+"), expression) is not None


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield node.value
