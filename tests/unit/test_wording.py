import time
from datetime import UTC, datetime

import pytest

from tests.support.builders import a_package
from topup.domain import wording
from topup.domain.wording import PayPage

IN_CHINESE = ("标准包 – 1,100 积分", "zh")
IN_ENGLISH = ("Standard – 1,100 credits", "en")


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", IN_ENGLISH),
        ("en-GB", IN_ENGLISH),
        ("zh", IN_CHINESE),
        ("zh-HK", IN_CHINESE),
        ("fr-CA", ("Normal – 1,100 credits", "en")),
        ("pt-BR", IN_ENGLISH),
        (None, IN_CHINESE),
        ("auto", IN_CHINESE),
    ],
)
def test_the_product_is_named_in_the_buyers_language_or_in_the_catalogues(
    locale: str | None, expected: tuple[str, str]
):
    package = a_package(names={"en": "Standard", "fr": "Normal"})

    assert wording.pay_page(package, locale, "zh") == PayPage(locale, *expected)


def test_where_nobody_names_a_language_the_packages_own_name_stands_alone():
    assert wording.pay_page(a_package(), None, None) == PayPage()
    assert wording.pay_page(a_package(), "auto", None) == PayPage("auto")
    assert wording.pay_page(a_package(), "en", None) == PayPage("en", *IN_ENGLISH)


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "Valid until 6 May 2027"), ("zh", "有效期至 2027年5月6日"), (None, None)]
)
def test_the_validity_is_a_day_in_the_language_of_the_product(language: str | None, expected: str | None):
    assert wording.validity(datetime(2027, 5, 6, 8, 15, tzinfo=UTC), language) == expected


def test_the_day_is_that_of_utc_wherever_the_function_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert wording.validity(datetime(2027, 5, 6, 23, 15, tzinfo=UTC), "en") == "Valid until 6 May 2027"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("language", "expected"), [("en", "Never expires"), ("zh", "永不过期"), (None, None)])
def test_credits_without_an_end_say_so(language: str | None, expected: str | None):
    assert wording.validity(None, language) == expected
