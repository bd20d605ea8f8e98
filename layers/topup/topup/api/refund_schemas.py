"""The response bodies of refunds as types; see `schemas`."""

from typing_extensions import TypedDict  # below Python 3.12 pydantic reads no other

from topup.api.schema_values import Amount, AmountText, Count


class RefundResult(TypedDict):
    """A refund that has been requested."""

    success: bool
    refund_id: str
    amount: Amount
    credits_refunded: Count
    message: str


class RefundQuote(TypedDict):
    """What a refund would do."""

    amount: Amount
    credits_refunded: Count
    from_own_lot: Count
    from_other_lots: Count
    debt: Count
    holds_uncovered: Count
    largest_refundable: AmountText
    quote_token: str
