"""What refusals say, where they say more than their title."""

from topup.domain.errors import CreditsSpent, MethodNotAllowed, Unauthorized


def test_an_address_says_which_methods_it_has():
    assert str(MethodNotAllowed("GET", "POST")) == "This address has GET, POST"


def test_a_refund_that_would_leave_a_debt_says_how_much_would_not():
    assert "at most 12.50 can be refunded" in str(CreditsSpent("12.50"))
    assert "nothing can be refunded" in str(CreditsSpent("0.00"))


def test_a_refused_token_says_no_more_than_its_title():
    assert str(Unauthorized()) == Unauthorized.title
