"""Check the responses about holds, batches and spends given back, as the other ones are checked."""

from typing import Any

from tests.simulation.invocations import Invocation
from tests.simulation.linearizability import CONFLICT, CREATED, NOT_FOUND, OK, LinearizabilityChecker
from tests.simulation.names import MOST_HOLDS
from tests.simulation.rules import Violation, open_lots
from tests.simulation.rules_of_holds import free, held_at, may_be_captured
from topup.domain import times
from topup.domain.audit import Account
from topup.domain.credits import Entry, TransactionType
from topup.domain.holds import Hold


class ServiceResponses(LinearizabilityChecker):
    """All other checks, and these."""

    # ------------------------------------------------------------------------------------------------- holds

    def _list_holds(self, invocation: Invocation, status: int, response: Any) -> None:
        now = invocation.about["now"]

        def is_true(account: Account | None) -> bool:
            wanted = [hold for hold in account.holds if hold.status == "open" and hold.ends_at > now] if account else []
            wanted.sort(key=lambda hold: (hold.ends_at, hold.hold_id))
            return [_said_of(one) for one in wanted] == [_known(one) for one in response["holds"]]

        if status == OK:
            self._check_was_true(invocation, self._shadow.accounts.get(invocation.about["user"]), is_true, response)

    def _open_hold(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        if status == CREATED:
            self._check_hold(invocation, response)
            if response["amount"] != about["amount"] or response["status"] != "open":
                raise Violation(f"another hold was opened than was asked for: {response}")
        elif status == CONFLICT and response["code"] == "too_many_holds":
            self._check_not_made(invocation, response)
            self.hit("a user has as many holds as there may be")
            self._check_state(invocation, response, lambda account: _number_open(account, about["now"]) >= MOST_HOLDS)
        elif status == CONFLICT:
            until = times.whole_second(about["now"] + about["ttl"])
            self._check_too_few(invocation, about["amount"], until, response)

    def _extend_hold(self, invocation: Invocation, status: int, response: Any) -> None:
        if status == OK:
            self._check_hold(invocation, response)
        elif status == CONFLICT and response["code"] == "hold_ended":
            self._check_ended(invocation, response, is_open=lambda hold: _is_open(hold, invocation))
        elif status == CONFLICT:
            hold = self._hold(invocation)
            about = invocation.about
            until = max(hold.ends_at, times.whole_second(about["now"] + about["ttl"]))
            self._check_too_few(invocation, hold.amount + about["more"], until, response, besides=hold)
        else:
            self._check_known(invocation, status, response)

    def _release_hold(self, invocation: Invocation, status: int, response: Any) -> None:
        invocation.about["key"] = f"release {invocation.about['hold']}"  # a hold is released once, whoever asks
        if status == OK:
            self._check_hold(invocation, response)
            if response["status"] != "released" or response["held"]:
                raise Violation(f"a release did not release the hold: {response}")
        elif status == CONFLICT:
            self._check_ended(invocation, response, is_open=lambda hold: _is_open(hold, invocation))
        else:
            self._check_known(invocation, status, response)

    def _capture_hold(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        if status == OK:
            if response["amount_captured"] + response["shortfall"] != about["amount"]:
                raise Violation(f"of a capture of {about['amount']} a part is neither taken nor missing: {response}")
            if response["transaction_id"]:
                self._check_change(invocation, TransactionType.SPENT, -response["amount_captured"], response)
            self._check_hold(invocation, response)
            self._note_capture(response)
        elif status == CONFLICT and response["code"] == "hold_ended":
            self._check_ended(invocation, response, is_open=lambda hold: may_be_captured(hold, about["now"]))
        elif status == CONFLICT:
            self._check_refused_overrun(invocation, response)
        else:
            self._check_known(invocation, status, response)

    def _note_capture(self, response: Any) -> None:
        if response["late"]:
            self.hit("a late capture")
        if response["shortfall"]:
            self.hit("a capture finds too few credits")
        if response["captured"] > response["amount"]:
            self.hit("a capture takes more than was held")

    def _check_hold(self, invocation: Invocation, response: Any) -> None:
        """The hold was as the response says, with so many credits available, while the request ran or before."""
        about = invocation.about
        self._check_same((about["user"], about["key"]), response)

        def is_true(account: Account | None) -> bool:
            known = next((one for one in account.holds if _is_of(one, response)), None) if account else None
            return known is not None and _said_of(known) == _known(response)

        if about["is_replay"]:
            versions = self._shadow.accounts[about["user"]]
            if not any(is_true(state) for state in versions.states):
                raise Violation(f"{invocation.function} returned a hold that never was: {response}")
            return

        def is_all_true(account: Account | None) -> bool:
            return is_true(account) and account is not None and self._available(account, about) == said

        said = response["available_after"]
        self._check_state(invocation, response, is_all_true)

    def _check_ended(self, invocation: Invocation, response: Any, is_open: Any) -> None:
        """It had ended, or could not be captured any more, as the response says."""
        if response["code"] != "hold_ended":
            raise Violation(f"{invocation.function} was refused: {response}")
        self._check_not_made(invocation, response)
        hold_id = invocation.about["hold"]

        def is_true(account: Account | None) -> bool:
            hold = next((one for one in account.holds if one.hold_id == hold_id), None) if account else None
            if hold is None or is_open(hold):
                return False
            said = (response["captured"], response["shortfall"], response["state"])
            state = "expired" if hold.status == "open" else hold.status
            return said == (hold.captured, hold.shortfall, state)

        self._check_state(invocation, response, is_true)

    def _check_too_few(
        self, invocation: Invocation, wanted: int, until: Any, response: Any, besides: Hold | None = None
    ) -> None:
        """So many credits were not free until then."""
        if response["code"] != "insufficient_credits":
            raise Violation(f"{invocation.function} was refused: {response}")
        self._check_not_made(invocation, response)
        now = invocation.about["now"]

        def is_true(account: Account | None) -> bool:
            if account is None:
                return bool(response["available"] == 0)
            left = [hold for hold in account.holds if besides is None or hold.hold_id != besides.hold_id]
            others = Account(account.user_id, account.wallet, lots=account.lots, holds=left)
            spare = free(others, now, until) - account.wallet.debt
            return bool(max(0, spare) == response["available"] and spare < wanted)

        self._check_state(invocation, response, is_true)

    def _check_refused_overrun(self, invocation: Invocation, response: Any) -> None:
        """Only a hold that refuses what is beyond it is refused, and only beyond what it holds."""
        if response["code"] != "insufficient_credits":
            raise Violation(f"{invocation.function} was refused: {response}")
        self._check_not_made(invocation, response)
        about = invocation.about

        def is_true(account: Account | None) -> bool:
            hold = next((one for one in account.holds if one.hold_id == about["hold"]), None) if account else None
            if hold is None or account is None or hold.overrun != "refuse":
                return False
            is_short = not _is_open(hold, invocation) and self._available(account, about) < about["amount"]
            return about["amount"] > hold.amount - hold.used or is_short

        self._check_state(invocation, response, is_true)

    def _check_known(self, invocation: Invocation, status: int, response: Any) -> None:
        """It is known; but not any more where it was of a wallet that has been erased since."""
        is_erased = any(self._shadow.erasures.pseudonyms_of(invocation.about["user"]))
        if status < 500 and not (status == NOT_FOUND and is_erased):
            raise Violation(f"{invocation.function} was refused: {status} {response}")

    def _check_state(self, invocation: Invocation, response: Any, is_true: Any) -> None:
        self._check_was_true(invocation, self._shadow.accounts.get(invocation.about["user"]), is_true, response)

    def _hold(self, invocation: Invocation) -> Hold:
        account = self._shadow.account(invocation.about["user"])
        assert account
        return next(one for one in account.holds if one.hold_id == invocation.about["hold"])

    @staticmethod
    def _available(account: Account, about: dict[str, Any]) -> int:
        now = about["now"]
        there = sum(lot.remaining for lot in open_lots(account, now))
        return there - account.wallet.debt - held_at(account, now)

    # ------------------------------------------------------------------------------------------------- spends

    def _spend_batch(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        user, items = about["user"], about["items"]
        if "misused" in about:
            self._check_all_refused(invocation, status, response)
        elif status == OK:
            for item, receipt in zip(items, response["items"], strict=True):
                about["key"] = item["key"]
                self._check_change(invocation, TransactionType.SPENT, -item["amount"], receipt)
                entry = self._entry(user, receipt["transaction_id"])
                if entry.cause.description != item["description"]:
                    raise Violation(f"item {item['key']} of a batch was answered with another spend: {receipt}")
        elif status == CONFLICT:
            # A batch with some of its items may have been spent meanwhile: this one is true of a state before or after.
            self._check_short(invocation, lambda account: _amount_of_new(items, account), response)

    def _check_all_refused(self, invocation: Invocation, status: int, response: Any) -> None:
        """A batch with a key of another request spends nothing: of its new items there is none."""
        about = invocation.about
        if status not in (CONFLICT, 503):
            raise Violation(f"a batch was accepted that uses the key {about['misused']} again: {response}")
        account = self._shadow.account(about["user"])
        descriptions = {entry.cause.description for entry in account.entries} if account else set()
        known = {key for user, key in self._receipts if user == about["user"]} | {about["misused"]}
        if made := {one["description"] for one in about["items"] if one["key"] not in known} & descriptions:
            raise Violation(f"a batch was refused, and these of its spends were made: {sorted(made)}")
        self.hit("a batch is refused because of a key that was used")

    def _reverse_spend(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        if status == OK:
            if about["amount"] not in (None, response["amount"] + response["lapsed"]):
                raise Violation(f"other credits came back than were asked for: {response}")
            if response["transaction_id"]:
                self._check_change(invocation, TransactionType.SPEND_REVERSED, response["amount"], response)
            else:
                self._check_same((about["user"], about["key"]), response)
            if response["lapsed"]:
                self.hit("credits of a spend come back to nobody, because theirs have lapsed")
        elif status == CONFLICT:
            self._check_nothing_left(invocation, response)
        else:
            self._check_known(invocation, status, response)

    def _check_nothing_left(self, invocation: Invocation, response: Any) -> None:
        """Less than that was left of the spend."""
        self._check_not_made(invocation, response)
        about = invocation.about
        spend = self._entry(about["user"], about["spend"])

        def is_true(account: Account | None) -> bool:
            known = account.reversed_spends if account else []
            given = sum(sum(one.lots.values()) + one.debt for one in known if one.spend == spend.number)
            left = -spend.amount - given
            return bool(response["left"] == left and left < (about["amount"] or 1))

        self._check_state(invocation, response, is_true)

    def _entry(self, user: str, transaction_id: str) -> Entry:
        account = self._shadow.account(user)
        assert account
        return next(one for one in account.entries if one.transaction_id == transaction_id)


def _amount_of_new(items: list[dict[str, Any]], account: Account | None) -> int:
    """What those of a batch's items take that the account has not spent yet: the description names each."""
    spent = {entry.cause.description for entry in account.entries} if account else set()
    return sum(item["amount"] for item in items if item["description"] not in spent)


def _number_open(account: Account | None, now: Any) -> int:
    return sum(hold.status == "open" and hold.ends_at > now for hold in account.holds) if account else 0


def _is_open(hold: Hold, invocation: Invocation) -> bool:
    return hold.status == "open" and hold.ends_at > invocation.about["now"]


def _is_of(hold: Hold, response: Any) -> bool:
    return str(response["hold_id"]).partition(".")[0] == hold.hold_id


def _said_of(hold: Hold) -> tuple[Any, ...]:
    held = hold.amount - hold.used if hold.status == "open" else 0
    return (hold.hold_id, hold.amount, held, hold.captured, hold.status, hold.overrun, times.to_text(hold.ends_at))


def _known(response: Any) -> tuple[Any, ...]:
    names = ("amount", "held", "captured", "status", "overrun", "ends_at")
    return (str(response["hold_id"]).partition(".")[0], *(response[name] for name in names))
