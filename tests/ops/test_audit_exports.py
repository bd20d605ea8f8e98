"""The audit of an export finds just what the audit of the tables finds, in the same words."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from local.in_process.shop import Shop
from ops.audit import Audit, exported, tables
from tests.ops import violations
from tests.ops.audits import audited, exported_and_audited
from topup.domain import audit as audit_of_accounts
from topup.domain import audit_of_entries, audit_of_holds, audit_of_releases
from topup.store import accounts, misplaced

# Every module that words a finding.
WORDED_IN = (audit_of_accounts, audit_of_entries, audit_of_holds, audit_of_releases, misplaced, accounts, tables)
TOO_MANY = "more than 100 findings about entries; the rest are not listed"  # of a history that is wrong throughout


def test_an_empty_export_has_no_violations(shop: Shop):
    assert exported_and_audited(shop) == Audit()


def test_without_violations_it_counts_what_it_read(shop: Shop):
    shop.buy()
    shop.buy(user="user-2")
    shop.create()
    shop.spend(100)
    shop.grant(10, campaign="welcome")
    shop.reconcile()

    assert exported_and_audited(shop) == audited(shop) == Audit(users=2, entries=4, lots=3, payments=3)


def test_every_violation_is_found_by_both_audits_in_the_same_words(shop: Shop, subtests: pytest.Subtests):
    violations.fill(shop)
    assert exported_and_audited(shop) == audited(shop)
    found: list[str] = []

    for violation in violations.EVERY:
        with subtests.test(str(violation)), violations.planted(shop, violation):
            in_tables, in_export = audited(shop), exported_and_audited(shop)
            assert in_tables.findings
            assert sorted(in_export.findings) == sorted(in_tables.findings)
            assert (in_export.users, in_export.payments) == (in_tables.users, in_tables.payments)
            found += in_tables.findings

    with subtests.test("every sentence of the audit was among them"):
        seen = [*found, TOO_MANY]
        assert [words for words in sentences() if not any(re.search(words, one) for one in seen)] == []


def sentences() -> Iterator[str]:
    """A pattern for each finding that the modules word."""
    for module in WORDED_IN:
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Yield) and node.value is not None:
                yield from _patterns(node.value)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("._found", ".append")):
                yield from _patterns(node.args[0])


def _patterns(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if " " in text:
            yield re.escape(text)
        case ast.JoinedStr(values=parts):
            yield "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".*" for one in parts)


def test_users_and_payments_in_several_parts_and_processes_are_all_audited(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ops.audit.parts.ROWS_PER_PART", 5)
    for number in range(8):
        payment_id, _ = shop.buy(user=f"user-{number}")
    shop.refund(payment_id, 10)

    whole = audited(shop)
    assert exported_and_audited(shop) == whole
    assert exported_and_audited(shop, processes=2) == whole


def test_entries_of_an_export_are_not_kept_in_memory(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.buy()
    for _ in range(5):
        shop.spend(1)
    kept: list[int] = []
    history_of = audit_of_accounts.history_of

    def watched(account: audit_of_accounts.Account) -> audit_of_entries.History:
        kept.append(len(account.entries))
        return history_of(account)

    monkeypatch.setattr(exported, "history_of", watched)

    assert (exported_and_audited(shop).entries, kept) == (6, [0])
