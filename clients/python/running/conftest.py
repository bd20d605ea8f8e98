"""A user of a running stack. `make test-clients` starts the stack, and says in the environment where it is."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from topup_client import Topup
from topup_client.generated.api.administration import grant_credits
from topup_client.generated.api.credits_ import list_user_transactions
from topup_client.generated.models import Credits, GrantBody, GrantReceipt, TransactionList

URL = os.environ.get("API_URL", "")
GRANTED = 500
_numbers = itertools.count(1)


class User:
    """Somebody with 500 credits, and the service that spends them."""

    def __init__(self, name: str, file: Path) -> None:
        self.name = name
        self.file = file
        self.client = self.service()
        with Topup(URL, token=os.environ["ADMIN_TOKEN"]) as administrator:
            body = GrantBody(user_id=name, credits_=GRANTED, reason="A test")
            administrator.ask(GrantReceipt, grant_credits, body=body, idempotency_key="grant")

    def service(self, journal: Path | None = None, api_key: str | None = None, **more: Any) -> Topup:
        return Topup(URL, api_key=api_key or os.environ["API_KEY"], journal=journal, **more)

    def credits(self) -> Credits:
        return self.client.credits(self.name)

    def spent(self) -> list[int]:
        page = self.client.ask(TransactionList, list_user_transactions, self.name)
        return [-row.amount for row in page.transactions if row.transaction_type == "spent"]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    made = User(f"client-{next(_numbers)}", tmp_path / "captures.db")
    yield made
    made.client.close()


@pytest.fixture
def move_clock() -> Callable[[int], None]:
    """Move the stack's time forward, by seconds."""

    def move(seconds: int) -> None:
        httpx.post(f"{URL}/_local/clock", json={"advance_seconds": seconds}, trust_env=False).raise_for_status()

    return move
