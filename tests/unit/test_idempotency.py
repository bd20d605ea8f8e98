import pytest

from tests.support.builders import PAYMENT_ID
from topup.domain import idempotency


def test_one_owner_and_one_key_give_one_id():
    assert idempotency.id_from_key("u", "k") == idempotency.id_from_key("u", "k")


def test_another_owner_or_another_key_gives_another_id():
    # ("1:u", "k") and ("1", "u:k") would be the same text if they were only joined.
    owners_and_keys = [("u", "k"), ("v", "k"), ("u", "l"), ("1:u", "k"), ("1", "u:k"), ("u", "")]

    assert len({idempotency.id_from_key(owner, key) for owner, key in owners_and_keys}) == len(owners_and_keys)


def test_without_a_key_every_id_is_new():
    assert idempotency.id_from_key("u", None) != idempotency.id_from_key("u", None)


@pytest.mark.parametrize("key", ["k", None])
def test_every_id_is_recognised_as_one(key: str | None):
    assert idempotency.is_id(idempotency.id_from_key("u", key))


@pytest.mark.parametrize("text", ["", "x", PAYMENT_ID.upper(), PAYMENT_ID + "0", "a" * 5000, PAYMENT_ID + "\n"])
def test_other_text_is_no_id(text: str):
    assert not idempotency.is_id(text)


def test_equal_requests_have_one_fingerprint():
    assert idempotency.fingerprint("standard", None, 5, True) == idempotency.fingerprint("standard", None, 5, True)


def test_fingerprints_tell_values_types_and_order_apart():
    one: list[str | int | bool | None] = ["", None, "null", "None", 1, "1", True, "true", 0, False, "ab", '["a", "b"]']
    several: list[tuple[str | None, ...]] = [(), ("a", "b"), ("b", "a"), ("a", "b", None), ('a", "b',)]
    fingerprints = [idempotency.fingerprint(value) for value in one]
    fingerprints += [idempotency.fingerprint(*request) for request in several]

    assert len(set(fingerprints)) == len(one) + len(several)
