"""`api-key`: the key of one service is made, shown once, rotated and withdrawn, and no other key is touched."""

from typing import Any

import pytest

from tests.ops.terminal import API_KEY, KEY, Operator
from topup.runtime import secret_values
from topup.runtime.secret_values import ApiKey, Scope

SIGNUP = f"signup:grant:{'g' * 24}"
BILLING = ("--name", "billing", "--scopes", "read,spend")


def run(operator: Operator, *arguments: str, **options: Any) -> int:
    return operator.run(*arguments, command="api-key", **options)


def keys(operator: Operator) -> list[ApiKey]:
    """As the functions read them."""
    return list(secret_values.api_keys(operator.stored("PROXY_API_KEY")))


def made(operator: Operator, *arguments: str) -> str:
    """The key that the command has made."""
    assert run(operator, *arguments) == 0, operator.printed
    return operator.shown.removesuffix("\n")


def test_a_key_is_made_beside_the_others_and_shown_once_on_the_standard_output(operator: Operator):
    operator.deploy(SecretsKeyArn=KEY)
    operator.store("PROXY_API_KEY", f"{API_KEY},{SIGNUP}", KeyId=KEY)

    key = made(operator, *BILLING)

    assert operator.stored("PROXY_API_KEY") == f"{API_KEY},{SIGNUP},billing:read+spend:{key}"
    assert keys(operator)[-1] == ApiKey("billing", frozenset({Scope.READ, Scope.SPEND}), key)
    assert operator.described() == {"PROXY_API_KEY": ("SecureString", KEY)}
    assert len(key) == 48
    assert operator.printed.count(key) == 1
    assert "within 20 seconds" in operator.printed


def test_the_first_key_of_a_stack_may_have_a_name_and_each_key_is_another_one(operator: Operator):
    first = made(operator, "--name", "a", "--scopes", "spend+read")
    second = made(operator, "--name", "b", "--scopes", " grant , checkout")

    assert operator.stored("PROXY_API_KEY") == f"a:read+spend:{first},b:checkout+grant:{second}"
    assert first != second


@pytest.mark.parametrize("by", ["stage", "stack"])
def test_a_stage_and_a_stack_name_the_same_place(operator: Operator, by: str):
    operator.deploy()
    which: dict[str, Any] = {"stage": None} if by == "stack" else {}

    assert run(operator, *BILLING, *(("--stack", "topup-staging") if by == "stack" else ()), **which) == 0
    assert keys(operator)[0].name == "billing"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--name", "signup", "--scopes", "read"), "'signup' is taken"),
        (("--name", "default", "--scopes", "read"), "`make secrets`"),
        (("--name", "billing"), "--scopes (make: SCOPES=): checkout, read, spend, grant"),
        (("--name", "billing", "--scopes", ","), "--scopes (make: SCOPES=): checkout, read, spend, grant"),
        (("--name", "billing", "--scopes", "read,steal"), "no scope 'steal': there are checkout, read, spend, grant"),
        (("--name", "bill:ing", "--scopes", "read"), "1 to 40 letters"),
        (("--name", "bill,ing", "--scopes", "read"), "1 to 40 letters"),
        (("--name", "é", "--scopes", "read"), "1 to 40 letters"),
        (("--name", "", "--scopes", "read"), "1 to 40 letters"),
        (("--name", "x" * 41, "--scopes", "read"), "1 to 40 letters"),
        (("--scopes", "read"), "name the service"),
        (("--remove",), "name the service"),
        (("--name", "billing", "--rotate"), "there is no key 'billing' yet"),
        (("--name", "billing", "--finish"), "there is no key 'billing' yet"),
        (("--name", "billing", "--replace"), "there is no key 'billing' yet"),
        (("--name", "billing", "--remove"), "there is no key 'billing' yet"),
        (("--name", "signup", "--rotate", "--scopes", "steal"), "no scope 'steal'"),
    ],
)
def test_what_cannot_be_done_is_explained_and_changes_nothing(
    operator: Operator, arguments: tuple[str, ...], says: str
):
    operator.store("PROXY_API_KEY", f"{API_KEY},{SIGNUP}")

    assert run(operator, *arguments) == 2

    assert says in operator.printed
    assert operator.shown == ""
    assert operator.stored("PROXY_API_KEY") == f"{API_KEY},{SIGNUP}"


def test_a_taken_name_says_how_its_key_is_replaced(operator: Operator):
    made(operator, *BILLING)

    assert run(operator, *BILLING) == 2
    assert all(f"{how}=1" in operator.printed for how in ("ROTATE", "FINISH", "REPLACE"))


def test_a_rotation_keeps_the_old_key_until_it_is_finished(operator: Operator):
    operator.store("PROXY_API_KEY", f"{SIGNUP},{API_KEY}")
    old = made(operator, *BILLING)

    new = made(operator, "--name", "billing", "--rotate")
    assert operator.stored("PROXY_API_KEY") == (f"{SIGNUP},{API_KEY},billing:read+spend:{new},billing:read+spend:{old}")
    assert run(operator, "--name", "billing", "--rotate") == 1
    assert (operator.shown, len(keys(operator))) == ("", 4)

    assert run(operator, "--name", "billing", "--finish") == 0
    assert operator.stored("PROXY_API_KEY") == f"{SIGNUP},{API_KEY},billing:read+spend:{new}"
    assert "within five minutes" in operator.printed
    assert run(operator, "--name", "billing", "--finish") == 0
    assert "nothing to do" in operator.printed


def test_a_new_key_may_have_other_scopes(operator: Operator):
    made(operator, *BILLING)

    key = made(operator, "--name", "billing", "--replace", "--scopes", "read")

    assert keys(operator) == [ApiKey("billing", frozenset({Scope.READ}), key)]


def test_a_key_that_has_leaked_is_dropped_at_once(operator: Operator):
    operator.store("PROXY_API_KEY", SIGNUP)
    made(operator, *BILLING)
    made(operator, "--name", "billing", "--rotate")

    key = made(operator, "--name", "billing", "--replace")
    assert operator.stored("PROXY_API_KEY") == f"{SIGNUP},billing:read+spend:{key}"

    assert run(operator, "--name", "billing", "--remove") == 0
    assert (operator.stored("PROXY_API_KEY"), operator.shown) == (SIGNUP, "")


def test_the_only_key_is_not_removed(operator: Operator):
    key = made(operator, *BILLING)

    assert run(operator, "--name", "billing", "--remove") == 2
    assert "--replace" in operator.printed
    assert [one.key for one in keys(operator)] == [key]


def test_without_a_name_it_lists_who_has_a_key_and_shows_none(operator: Operator):
    assert run(operator) == 0
    assert "there is no key yet" in operator.printed
    operator.store("PROXY_API_KEY", f"{API_KEY},{SIGNUP}")
    secret = [API_KEY, "g" * 24, made(operator, *BILLING), made(operator, "--name", "billing", "--rotate")]

    assert run(operator) == 0

    lines = [" ".join(line.split()) for line in operator.shown.splitlines()]
    assert lines == [
        "billing read, spend; 2 keys: a rotation is under way",
        "default checkout, read, spend",
        "signup grant",
    ]
    assert not any(key in operator.printed for key in secret)


def test_keys_that_the_functions_refuse_are_named_without_their_value(operator: Operator):
    stored = f"billing:steal:{'b' * 24}"
    operator.store("PROXY_API_KEY", stored)

    for arguments in ((), ("--name", "reports", "--scopes", "read")):
        assert run(operator, *arguments) == 2
        assert "'billing' with the scope 'steal'" in operator.printed
        assert "b" * 24 not in operator.printed
    assert operator.stored("PROXY_API_KEY") == stored


def test_a_key_that_does_not_fit_is_not_shown(operator: Operator):
    count = 0
    while run(operator, "--name", f"service-{count}", "--scopes", "read") == 0:
        count += 1

    assert (operator.shown, len(keys(operator))) == ("", count)
    assert "Parameter Store takes 4096: first drop what is not in use" in operator.printed
    assert count > 50


def test_a_key_that_was_not_stored_is_not_shown(operator: Operator, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def denied(**request: Any) -> Any:
        seen.append(request["Value"].rpartition(":")[2])
        return operator.ssm.get_parameter(Name="/nowhere")

    monkeypatch.setattr(operator.ssm, "put_parameter", denied)

    assert run(operator, *BILLING) == 2
    [key] = seen
    assert key not in operator.printed
