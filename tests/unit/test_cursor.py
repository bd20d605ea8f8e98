import pytest

from topup.api import cursor
from topup.domain.errors import ValidationFailed


def test_a_position_comes_back_from_its_cursor():
    assert cursor.decode(cursor.encode("2026-03-01", "payment"), str, 2) == ["2026-03-01", "payment"]


@pytest.mark.parametrize(
    "forged",
    ["", "x", "é", "null", "W10", cursor.encode(1), cursor.encode("", "a"), cursor.encode("a"), "A" * 5000, "WyJh"],
)
def test_anything_else_is_refused_as_a_wrong_cursor(forged: str):
    with pytest.raises(ValidationFailed, match="cursor"):
        cursor.decode(forged, str, 2)
