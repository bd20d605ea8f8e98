"""store.all_ledgers: what the books read of every user."""

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from topup import store
from topup.domain.credits import Entry
from topup.domain.errors import Busy
from topup.domain.lots import Lot
from topup.store import persons


def read() -> dict[str, list[str]]:
    """The kinds of each user's records, in the order in which they are read."""
    return {user: [type(record).__name__ for record in records] for user, records in store.all_ledgers()}


def test_every_users_entries_come_in_their_order_with_the_lots_and_nothing_else(shop: Shop):
    shop.buy()
    shop.spend(3)
    shop.hold(5)
    shop.grant(7, user="user-2")
    shop.spend(7, user="user-2")  # the lot that is used up stands elsewhere

    found = {user: list(records) for user, records in store.all_ledgers()}

    entries = {user: [one.number for one in records if isinstance(one, Entry)] for user, records in found.items()}
    lots = {user: [one.granted for one in records if isinstance(one, Lot)] for user, records in found.items()}
    assert entries == {USER_ID: [1, 2], "user-2": [1, 2]}
    assert lots == {USER_ID: [1100], "user-2": [7]}


def test_a_user_whose_records_move_is_named_whichever_wallet_is_met(shop: Shop):
    shop.grant(7)
    persons.lock(store.load_credits(USER_ID, shop.now).wallet, "erased-1")
    table = {"TableName": shop.dynamodb.credits_table}
    wallets = [{"user_id": {"S": user}, "record": {"S": "WALLET"}} for user in (USER_ID, "erased-1")]

    for other in wallets:
        kept = shop.dynamodb.client.get_item(**table, Key=other)["Item"]
        shop.dynamodb.client.delete_item(**table, Key=other)
        with pytest.raises(Busy) as raised:
            read()
        assert raised.value.detail == f"user {USER_ID} is being erased: finish that first"
        shop.dynamodb.client.put_item(**table, Item=kept)


@pytest.mark.parametrize("kind", ["ENTRY#", "LOT#"])
def test_a_record_that_cannot_be_read_is_named(shop: Shop, kind: str):
    shop.grant(7)
    table = shop.dynamodb.credits_table
    [item] = [one for one in persons.credits_of(USER_ID) if one["record"]["S"].startswith(kind)]
    shop.dynamodb.client.put_item(TableName=table, Item={name: item[name] for name in ("user_id", "record")})

    with pytest.raises(ValueError, match=f"^user {USER_ID}: {kind}.* cannot be read: KeyError "):
        read()
