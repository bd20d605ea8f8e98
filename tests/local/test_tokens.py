"""Which of its keys the local stack sends itself, for the storefront and for its commands."""

import pytest

from local import tokens

BARE, ALL = "b" * 20, "a" * 20


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (f" {BARE} ,{ALL}", BARE),
        (f"shop:checkout+read+spend:{ALL}", ALL),
        (f"reports:read:{'r' * 20},shop:checkout+read+spend+grant:{ALL},{BARE}", ALL),
        (f"reports:read:{'r' * 20}", "r" * 20),
        (",", ""),
    ],
)
def test_the_local_stack_sends_a_key_that_may_do_what_its_pages_need_without_its_name(stored: str, sent: str):
    assert tokens.service_key({"PROXY_API_KEY": stored}) == sent
