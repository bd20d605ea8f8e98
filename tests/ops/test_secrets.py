"""`secrets`: what it asks for, generates, refuses and stores, and what it shows."""

import getpass
from typing import Any

import pytest

from ops.secrets import place
from tests.ops.terminal import API_KEY, JWT_SECRET, KEY, OTHER_KEY, PREFIX, STRIPE, WEBHOOK_SECRET, Operator
from topup.runtime import secret_values

# ------------------------------------------------------------------------------------------------- what is missing


def test_what_is_missing_is_asked_for_or_generated_and_stored_encrypted(operator: Operator):
    assert operator.run(answers=(STRIPE, "", JWT_SECRET)) == 0

    assert operator.asked == ["STRIPE_SECRET_KEY", "PROXY_API_KEY", "JWT_SECRET"]
    assert (operator.stored("STRIPE_SECRET_KEY"), operator.stored("JWT_SECRET")) == (STRIPE, JWT_SECRET)
    assert len(operator.stored("PROXY_API_KEY")) == 48
    assert set(operator.described().values()) == {("SecureString", "alias/aws/ssm")}
    assert "make stripe-webhook" in operator.printed


def test_a_generated_secret_is_another_one_each_time_and_good_enough(operator: Operator):
    operator.run(answers=(STRIPE, "", ""))

    key, secret = operator.stored("PROXY_API_KEY"), operator.stored("JWT_SECRET")
    assert key != secret
    assert [one.key for one in secret_values.api_keys(key)] == [key]
    assert secret_values.jwt_secrets(secret) == (secret,)


def test_run_again_it_asks_for_nothing(operator: Operator):
    operator.run(answers=(STRIPE, API_KEY, JWT_SECRET))

    assert operator.run() == 0
    assert operator.asked == []
    assert "stored already: PROXY_API_KEY" in operator.printed


def test_no_secret_is_ever_printed(operator: Operator):
    printed = ""
    for arguments, answers in (
        ((), (STRIPE, "", JWT_SECRET)),
        ((), ()),
        (("--rotate", "PROXY_API_KEY"), ("short", "")),
        (("--rotate", "JWT_SECRET"), ("",)),
        (("--finish", "JWT_SECRET"), ()),
        (("--replace", "STRIPE_SECRET_KEY"), ("sk_live_1", "sk_test_other")),
    ):
        assert operator.run(*arguments, answers=answers) == 0
        printed += operator.printed

    for name in ("STRIPE_SECRET_KEY", "PROXY_API_KEY", "JWT_SECRET"):
        for part in operator.stored(name).split(","):
            assert part not in printed
    assert not any(secret in printed for secret in (STRIPE, JWT_SECRET, "sk_live_1", "short"))


def test_with_an_identity_provider_there_is_no_jwt_secret(operator: Operator):
    assert operator.run(answers=(STRIPE, "", "-")) == 0

    assert set(operator.described()) == {"STRIPE_SECRET_KEY", "PROXY_API_KEY"}
    assert "left out: JWT_SECRET" in operator.printed


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (("", STRIPE, API_KEY, "-"), "STRIPE_SECRET_KEY must be a secret key of Stripe's"),
        (("pk_test_1", STRIPE, API_KEY, "-"), "STRIPE_SECRET_KEY must be a secret key of Stripe's"),
        (("sk_live_1", STRIPE, API_KEY, "-"), "tests would move real money"),
        ((STRIPE, "x" * 19, API_KEY, "-"), "must have at least 20 bytes"),
        ((STRIPE, f"{API_KEY},{API_KEY}2", API_KEY, "-"), "one value at a time"),
        ((STRIPE, ",", API_KEY, "-"), "one value at a time"),
        ((STRIPE, API_KEY, "x" * 31, "-"), "at least 32 bytes"),
    ],
)
def test_a_value_that_the_functions_would_refuse_is_asked_for_again(
    operator: Operator, answers: tuple[str, ...], says: str
):
    assert operator.run(answers=answers) == 0

    assert says in operator.printed
    assert operator.stored("PROXY_API_KEY") == API_KEY


def test_after_three_bad_values_it_gives_up_and_stores_nothing(operator: Operator):
    assert operator.run(answers=("a", "b", "c")) == 2

    assert "no usable value for STRIPE_SECRET_KEY" in operator.printed
    assert operator.described() == {}


def test_a_live_key_belongs_to_a_live_stage(operator: Operator):
    assert operator.run(answers=("sk_live_1", "", ""), stage="prod") == 0

    assert operator.ssm.get_parameter(Name="/topup/prod/STRIPE_SECRET_KEY")["Parameter"]


def test_without_a_terminal_it_says_so(operator: Operator):
    assert operator.run() == 2
    assert "there is no terminal" in operator.printed


def test_interrupted_it_says_what_stays(operator: Operator, monkeypatch: pytest.MonkeyPatch):
    answers = iter([STRIPE])

    def interrupt(_prompt: str) -> str:
        for answer in answers:
            return answer
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupt)

    assert operator.run() == 2
    assert "interrupted at PROXY_API_KEY; what was stored before stays stored" in operator.printed
    assert set(operator.described()) == {"STRIPE_SECRET_KEY"}


@pytest.mark.parametrize(("arguments", "stage"), [((), None), (("--stack", "topup-staging"), "staging")])
def test_which_secrets_are_meant_must_be_said_once(operator: Operator, arguments: tuple[str, ...], stage: str | None):
    assert operator.run(*arguments, stage=stage) == 2
    assert "make: STAGE= or STACK=" in operator.printed


def test_a_stage_or_stack_that_is_not_there_is_named(operator: Operator):
    assert operator.run(stage="production") == 2
    assert "no stage 'production': use dev, staging, prod" in operator.printed
    assert operator.run("--stack", "topup-production", stage=None) == 2
    assert "there is no stack topup-production" in operator.printed


# -------------------------------------------------------------------------------------------------------- the KMS key


@pytest.mark.parametrize(
    "file",
    [f'SecretsKeyArn = "{KEY}"\n', f'DataKeyArn = "{KEY}"\n', f'DataKeyArn = "{OTHER_KEY}"\nSecretsKeyArn = "{KEY}"\n'],
)
def test_before_the_first_deployment_the_key_is_that_of_the_stages_file(operator: Operator, file: str):
    operator.answer_file(file)

    assert operator.run(answers=(STRIPE, "", "")) == 0

    assert set(operator.described().values()) == {("SecureString", KEY)}
    assert KEY in operator.printed


@pytest.mark.parametrize("by", ["stage", "stack"])
def test_of_a_deployed_stack_its_own_parameters_count(operator: Operator, by: str):
    operator.answer_file(f'SecretsKeyArn = "{OTHER_KEY}"\n')
    operator.deploy(SecretsKeyArn=KEY)

    which = ("--stack", "topup-staging") if by == "stack" else ()
    assert operator.run(*which, answers=(STRIPE, "", ""), stage=None if by == "stack" else "staging") == 0

    assert set(operator.described().values()) == {("SecureString", KEY)}


@pytest.mark.parametrize(
    ("stored_with", "wanted"),
    [({"KeyId": "alias/aws/ssm"}, KEY), ({"KeyId": OTHER_KEY}, KEY), ({"KeyId": KEY}, ""), ({"Type": "String"}, KEY)],
)
def test_what_is_in_clear_text_or_under_another_key_is_stored_again(
    operator: Operator, stored_with: dict[str, str], wanted: str
):
    operator.store_all(**stored_with)
    operator.store("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET, Description="we_1:abcdef01", **stored_with)
    operator.deploy(SecretsKeyArn=wanted)

    assert operator.run() == 0

    assert set(operator.described().values()) == {("SecureString", wanted or "alias/aws/ssm")}
    assert (operator.stored("PROXY_API_KEY"), operator.stored("STRIPE_WEBHOOK_SECRET")) == (API_KEY, WEBHOOK_SECRET)
    [webhook] = [one for one in operator.ssm.describe_parameters()["Parameters"] if "WEBHOOK" in one["Name"]]
    assert webhook["Description"] == "we_1:abcdef01"
    assert ("--replace PROXY_API_KEY" in operator.printed) is ("Type" in stored_with)


@pytest.mark.parametrize("key", [KEY, KEY.rpartition("/")[2], "alias/shop-secrets"])
def test_the_right_key_may_be_named_in_other_words(operator: Operator, key: str):
    operator.store_all(KeyId=key)
    operator.deploy(SecretsKeyArn=KEY)

    assert operator.run() == 0
    assert {name for _, name in operator.described().values()} == {key}


def test_an_empty_page_of_parameters_is_not_the_last_one(operator: Operator, monkeypatch: pytest.MonkeyPatch):
    """AWS Systems Manager API reference, DescribeParameters: between zero and MaxResults items, and a NextToken."""
    operator.store_all(KeyId=KEY)
    describe = operator.ssm.describe_parameters

    def in_two_pages(**request: Any) -> Any:
        token = request.pop("NextToken", None)
        return describe(**request) if token else {"Parameters": [], "NextToken": "more"}

    monkeypatch.setattr(operator.ssm, "describe_parameters", in_two_pages)

    assert place.of_prefix(PREFIX).key == KEY
    assert {found.key for found in place.Place(PREFIX).read(["JWT_SECRET", "PROXY_API_KEY"]).values()} == {KEY}


def test_where_only_the_prefix_is_known_the_key_is_that_of_what_is_there(operator: Operator):
    assert place.of_prefix(PREFIX).key == ""
    operator.store_all()
    assert place.of_prefix(PREFIX).key == ""
    operator.store("STRIPE_SECRET_KEY", STRIPE, KeyId=KEY)
    assert place.of_prefix(PREFIX).key == KEY


# ----------------------------------------------------------------------------------------------------------- rotation


@pytest.mark.parametrize(("name", "old"), [("PROXY_API_KEY", API_KEY), ("JWT_SECRET", JWT_SECRET)])
def test_a_rotation_puts_the_new_value_first_and_keeps_the_old_one_until_it_is_finished(
    operator: Operator, name: str, old: str
):
    operator.store_all()

    assert operator.run("--rotate", name, answers=("",)) == 0
    new, *others = operator.stored(name).split(",")
    assert (len(new), others) == (48, [old])
    assert f"FINISH={name}" in operator.printed

    assert operator.run("--finish", name) == 0
    assert operator.stored(name) == new
    assert operator.run("--finish", name) == 0
    assert "nothing to do" in operator.printed
    assert operator.stored(name) == new


def test_a_second_rotation_waits_for_the_end_of_the_first(operator: Operator):
    operator.store_all()
    operator.run("--rotate", "PROXY_API_KEY", answers=("",))
    before = operator.stored("PROXY_API_KEY")

    assert operator.run("--rotate", "PROXY_API_KEY") == 1
    assert (operator.stored("PROXY_API_KEY"), operator.asked) == (before, [])


@pytest.mark.parametrize("how", ["--rotate", "--finish"])
def test_what_is_not_stored_cannot_be_rotated(operator: Operator, how: str):
    assert operator.run(how, "PROXY_API_KEY") == 2
    assert f"{PREFIX}/PROXY_API_KEY is not stored yet" in operator.printed


def test_there_is_one_stripe_key_which_is_replaced(operator: Operator):
    operator.store_all()

    assert operator.run("--rotate", "STRIPE_SECRET_KEY") == 2
    assert "REPLACE=" in operator.printed
    assert operator.run("--replace", "STRIPE_SECRET_KEY", answers=("rk_test_2",)) == 0
    assert operator.stored("STRIPE_SECRET_KEY") == "rk_test_2"


NAMED = f"billing:read:{'b' * 24}", f"signup:grant:{'g' * 24}"


def test_the_keys_of_named_services_stay_when_the_one_without_a_name_is_changed(operator: Operator):
    operator.store("PROXY_API_KEY", f"{NAMED[0]},{API_KEY},{NAMED[1]}")

    assert operator.run("--rotate", "PROXY_API_KEY", answers=("",)) == 0
    new, *rest = operator.stored("PROXY_API_KEY").split(",")
    assert rest == [API_KEY, *NAMED]
    assert operator.run("--finish", "PROXY_API_KEY") == 0
    assert operator.stored("PROXY_API_KEY") == ",".join([new, *NAMED])
    assert operator.run("--finish", "PROXY_API_KEY") == 0
    assert "nothing to do" in operator.printed
    assert operator.run("--replace", "PROXY_API_KEY", answers=(f"{NAMED[0]}", "x" * 20)) == 0
    assert "`make api-key` makes those" in operator.printed
    assert operator.stored("PROXY_API_KEY") == ",".join(["x" * 20, *NAMED])


@pytest.mark.parametrize("how", ["--rotate", "--finish"])
def test_where_every_key_has_a_name_there_is_none_to_rotate(operator: Operator, how: str):
    operator.store("PROXY_API_KEY", NAMED[0])

    assert operator.run(how, "PROXY_API_KEY") == 2
    assert "apart from keys with a name (make api-key)" in operator.printed
    assert operator.stored("PROXY_API_KEY") == NAMED[0]


def test_keys_that_the_functions_refuse_are_dropped_when_one_is_replaced_and_nothing_else_touches_them(
    operator: Operator,
):
    stored = f"{API_KEY},billing:steal:{'b' * 24},signup:grant:short,{NAMED[1]}"
    operator.store("PROXY_API_KEY", stored)

    assert operator.run("--rotate", "PROXY_API_KEY") == 2
    assert "'billing' with the scope 'steal'" in operator.printed
    assert operator.stored("PROXY_API_KEY") == stored
    assert operator.run("--replace", "PROXY_API_KEY", answers=("x" * 20,)) == 0
    assert "keys that the functions refuse are dropped as well" in operator.printed
    assert operator.stored("PROXY_API_KEY") == f"{'x' * 20},{NAMED[1]}"


def test_more_than_parameter_store_takes_is_refused_before_it_is_sent(operator: Operator):
    stored = ",".join(f"service-{number}:read:{'k' * 48}" for number in range(60))
    operator.store("PROXY_API_KEY", f"{API_KEY},{stored[:4000].rpartition(',')[0]}")
    before = operator.stored("PROXY_API_KEY")

    assert operator.run("--rotate", "PROXY_API_KEY", answers=("y" * 400,)) == 2
    assert "characters, and Parameter Store takes 4096" in operator.printed
    assert operator.stored("PROXY_API_KEY") == before


def test_a_secret_in_clear_text_is_replaced_by_an_encrypted_one(operator: Operator):
    operator.store("JWT_SECRET", JWT_SECRET, Type="String")

    assert operator.run("--replace", "JWT_SECRET", answers=("",)) == 0
    assert operator.described()["JWT_SECRET"] == ("SecureString", "alias/aws/ssm")
    assert operator.stored("JWT_SECRET") != JWT_SECRET


def test_stripe_makes_the_webhooks_secret(operator: Operator):
    assert operator.run("--replace", "STRIPE_WEBHOOK_SECRET") == 2
    assert "make stripe-webhook" in operator.printed


@pytest.mark.parametrize("how", ["rotate", "finish"])
def test_the_webhooks_secret_is_rotated_with_its_endpoint(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, how: str
):
    called: list[Any] = []

    def rotated(options: Any) -> int:
        called.append(options)
        return 0

    monkeypatch.setattr("ops.stripe_webhook.setup.run", rotated)

    assert operator.run(f"--{how}", "STRIPE_WEBHOOK_SECRET") == 0

    [options] = called
    assert (options.stack, options.apply, options.rotate, options.finish) == (
        *("topup-staging", True, how == "rotate", how == "finish"),
    )
