from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.payment_status import PaymentStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.dispute import Dispute
    from ..models.documents import Documents
    from ..models.fraud_warning import FraudWarning
    from ..models.lot_of_payment import LotOfPayment
    from ..models.refund import Refund
    from ..models.refused_payment import RefusedPayment
    from ..models.release import Release
    from ..models.release_quote import ReleaseQuote
    from ..models.stripe_ids import StripeIds


T = TypeVar("T", bound="Payment")


@_attrs_define
class Payment:
    """The status of a payment; the fields from `user_id` on are for administrators and support staff.

    Attributes:
        payment_id (UUID): The payment's id
        status (PaymentStatus): Where the payment stands; only money that comes late changes `failed` and `expired`, to
            `succeeded`
        package (str): A package's id, for pages to name it; it may be off sale by now
        amount (float): The price in major units, as a number
        currency (str): ISO 4217
        credits_purchased (int): The credits that this payment buys; fixed when it was created
        payment_url (None | str): Stripe's page where the buyer pays; it names the session when the payment has ended
        created_at (datetime.datetime): When it began, in UTC
        paid_at (datetime.datetime | None): When the payment succeeded, in UTC; null before
        error_message (None | str | Unset): Why the last attempt to pay failed, in Stripe's words; null where Stripe
            gave no reason
        error_code (None | str | Unset): Stripe's code for the failure, for pages to word:
            https://docs.stripe.com/declines/codes
        may_retry (bool | Unset): Whether the buyer may try again, with another card, at the same `payment_url`
        under_review (bool | Unset): A payment arrived that does not match the order, and somebody checks it: `status`
            is processing, there is no `payment_url`, and the buyer must not pay again
        amount_paid (float | Unset): Where that is not `amount`, the price
        tax (float | Unset): What of the amount paid is tax
        discount (float | Unset): What a promotion code took off the price
        credits_to_debt (int | Unset): How many of `credits_purchased` paid what the user owed when they came
        credits_available (int | Unset): What `credits_to_debt` left of `credits_purchased` to spend
        amount_refunded (float | Unset): What has been refunded of `amount`, in major units
        credits_refunded (int | Unset): The credits that have been taken back for what was refunded
        refunds (list[Refund] | Unset): The payment's refunds, oldest first; absent where there is none
        disputes (list[Dispute] | Unset): The payment's disputes, oldest first; absent where there is none
        package_name (str | Unset): The package's name in the language `lang`; absent without `lang`, null without a
            payment
        receipt (Documents | Unset): The addresses of Stripe's pages for the buyer.
        user_id (str | Unset): Whose payment it is. For administrators and support staff
        quarantine_reason (None | str | Unset): Why the payment is under review; null where it is not. For
            administrators and support staff
        stripe (StripeIds | Unset): What a payment is called at Stripe; null where there is none.
        refused_besides (list[RefusedPayment] | Unset): More payments of the order that were refused. For administrators
            and support staff
        age_seconds (int | Unset): While it is `processing`: how long ago it was created. For administrators and support
            staff
        lot (LotOfPayment | Unset): The credits that a payment granted, as they are now.
        releases (list[Release] | Unset): How its quarantines were ended, oldest first. For administrators and support
            staff
        release_quote (None | ReleaseQuote | Unset): With `expand=release_quote`: what each decision would do now; null
            where none is to be made
        fraud_warning (FraudWarning | Unset): What the card's issuer says of a payment.
    """

    payment_id: UUID
    status: PaymentStatus
    package: str
    amount: float
    currency: str
    credits_purchased: int
    payment_url: None | str
    created_at: datetime.datetime
    paid_at: datetime.datetime | None
    error_message: None | str | Unset = UNSET
    error_code: None | str | Unset = UNSET
    may_retry: bool | Unset = UNSET
    under_review: bool | Unset = UNSET
    amount_paid: float | Unset = UNSET
    tax: float | Unset = UNSET
    discount: float | Unset = UNSET
    credits_to_debt: int | Unset = UNSET
    credits_available: int | Unset = UNSET
    amount_refunded: float | Unset = UNSET
    credits_refunded: int | Unset = UNSET
    refunds: list[Refund] | Unset = UNSET
    disputes: list[Dispute] | Unset = UNSET
    package_name: str | Unset = UNSET
    receipt: Documents | Unset = UNSET
    user_id: str | Unset = UNSET
    quarantine_reason: None | str | Unset = UNSET
    stripe: StripeIds | Unset = UNSET
    refused_besides: list[RefusedPayment] | Unset = UNSET
    age_seconds: int | Unset = UNSET
    lot: LotOfPayment | Unset = UNSET
    releases: list[Release] | Unset = UNSET
    release_quote: None | ReleaseQuote | Unset = UNSET
    fraud_warning: FraudWarning | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.release_quote import ReleaseQuote

        payment_id = str(self.payment_id)

        status = self.status.value

        package = self.package

        amount = self.amount

        currency = self.currency

        credits_purchased = self.credits_purchased

        payment_url: None | str
        payment_url = self.payment_url

        created_at = self.created_at.isoformat()

        paid_at: None | str
        if isinstance(self.paid_at, datetime.datetime):
            paid_at = self.paid_at.isoformat()
        else:
            paid_at = self.paid_at

        error_message: None | str | Unset
        if isinstance(self.error_message, Unset):
            error_message = UNSET
        else:
            error_message = self.error_message

        error_code: None | str | Unset
        if isinstance(self.error_code, Unset):
            error_code = UNSET
        else:
            error_code = self.error_code

        may_retry = self.may_retry

        under_review = self.under_review

        amount_paid = self.amount_paid

        tax = self.tax

        discount = self.discount

        credits_to_debt = self.credits_to_debt

        credits_available = self.credits_available

        amount_refunded = self.amount_refunded

        credits_refunded = self.credits_refunded

        refunds: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.refunds, Unset):
            refunds = []
            for refunds_item_data in self.refunds:
                refunds_item = refunds_item_data.to_dict()
                refunds.append(refunds_item)

        disputes: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.disputes, Unset):
            disputes = []
            for disputes_item_data in self.disputes:
                disputes_item = disputes_item_data.to_dict()
                disputes.append(disputes_item)

        package_name = self.package_name

        receipt: dict[str, Any] | Unset = UNSET
        if not isinstance(self.receipt, Unset):
            receipt = self.receipt.to_dict()

        user_id = self.user_id

        quarantine_reason: None | str | Unset
        if isinstance(self.quarantine_reason, Unset):
            quarantine_reason = UNSET
        else:
            quarantine_reason = self.quarantine_reason

        stripe: dict[str, Any] | Unset = UNSET
        if not isinstance(self.stripe, Unset):
            stripe = self.stripe.to_dict()

        refused_besides: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.refused_besides, Unset):
            refused_besides = []
            for refused_besides_item_data in self.refused_besides:
                refused_besides_item = refused_besides_item_data.to_dict()
                refused_besides.append(refused_besides_item)

        age_seconds = self.age_seconds

        lot: dict[str, Any] | Unset = UNSET
        if not isinstance(self.lot, Unset):
            lot = self.lot.to_dict()

        releases: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.releases, Unset):
            releases = []
            for releases_item_data in self.releases:
                releases_item = releases_item_data.to_dict()
                releases.append(releases_item)

        release_quote: dict[str, Any] | None | Unset
        if isinstance(self.release_quote, Unset):
            release_quote = UNSET
        elif isinstance(self.release_quote, ReleaseQuote):
            release_quote = self.release_quote.to_dict()
        else:
            release_quote = self.release_quote

        fraud_warning: dict[str, Any] | Unset = UNSET
        if not isinstance(self.fraud_warning, Unset):
            fraud_warning = self.fraud_warning.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_id": payment_id,
                "status": status,
                "package": package,
                "amount": amount,
                "currency": currency,
                "credits_purchased": credits_purchased,
                "payment_url": payment_url,
                "created_at": created_at,
                "paid_at": paid_at,
            }
        )
        if error_message is not UNSET:
            field_dict["error_message"] = error_message
        if error_code is not UNSET:
            field_dict["error_code"] = error_code
        if may_retry is not UNSET:
            field_dict["may_retry"] = may_retry
        if under_review is not UNSET:
            field_dict["under_review"] = under_review
        if amount_paid is not UNSET:
            field_dict["amount_paid"] = amount_paid
        if tax is not UNSET:
            field_dict["tax"] = tax
        if discount is not UNSET:
            field_dict["discount"] = discount
        if credits_to_debt is not UNSET:
            field_dict["credits_to_debt"] = credits_to_debt
        if credits_available is not UNSET:
            field_dict["credits_available"] = credits_available
        if amount_refunded is not UNSET:
            field_dict["amount_refunded"] = amount_refunded
        if credits_refunded is not UNSET:
            field_dict["credits_refunded"] = credits_refunded
        if refunds is not UNSET:
            field_dict["refunds"] = refunds
        if disputes is not UNSET:
            field_dict["disputes"] = disputes
        if package_name is not UNSET:
            field_dict["package_name"] = package_name
        if receipt is not UNSET:
            field_dict["receipt"] = receipt
        if user_id is not UNSET:
            field_dict["user_id"] = user_id
        if quarantine_reason is not UNSET:
            field_dict["quarantine_reason"] = quarantine_reason
        if stripe is not UNSET:
            field_dict["stripe"] = stripe
        if refused_besides is not UNSET:
            field_dict["refused_besides"] = refused_besides
        if age_seconds is not UNSET:
            field_dict["age_seconds"] = age_seconds
        if lot is not UNSET:
            field_dict["lot"] = lot
        if releases is not UNSET:
            field_dict["releases"] = releases
        if release_quote is not UNSET:
            field_dict["release_quote"] = release_quote
        if fraud_warning is not UNSET:
            field_dict["fraud_warning"] = fraud_warning

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.dispute import Dispute
        from ..models.documents import Documents
        from ..models.fraud_warning import FraudWarning
        from ..models.lot_of_payment import LotOfPayment
        from ..models.refund import Refund
        from ..models.refused_payment import RefusedPayment
        from ..models.release import Release
        from ..models.release_quote import ReleaseQuote
        from ..models.stripe_ids import StripeIds

        d = dict(src_dict)
        payment_id = UUID(d.pop("payment_id"))

        status = PaymentStatus(d.pop("status"))

        package = d.pop("package")

        amount = d.pop("amount")

        currency = d.pop("currency")

        credits_purchased = d.pop("credits_purchased")

        def _parse_payment_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_url = _parse_payment_url(d.pop("payment_url"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_paid_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                paid_at_type_0 = datetime.datetime.fromisoformat(data)

                return paid_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        paid_at = _parse_paid_at(d.pop("paid_at"))

        def _parse_error_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        error_message = _parse_error_message(d.pop("error_message", UNSET))

        def _parse_error_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        error_code = _parse_error_code(d.pop("error_code", UNSET))

        may_retry = d.pop("may_retry", UNSET)

        under_review = d.pop("under_review", UNSET)

        amount_paid = d.pop("amount_paid", UNSET)

        tax = d.pop("tax", UNSET)

        discount = d.pop("discount", UNSET)

        credits_to_debt = d.pop("credits_to_debt", UNSET)

        credits_available = d.pop("credits_available", UNSET)

        amount_refunded = d.pop("amount_refunded", UNSET)

        credits_refunded = d.pop("credits_refunded", UNSET)

        _refunds = d.pop("refunds", UNSET)
        refunds: list[Refund] | Unset = UNSET
        if _refunds is not UNSET:
            refunds = []
            for refunds_item_data in _refunds:
                refunds_item = Refund.from_dict(refunds_item_data)

                refunds.append(refunds_item)

        _disputes = d.pop("disputes", UNSET)
        disputes: list[Dispute] | Unset = UNSET
        if _disputes is not UNSET:
            disputes = []
            for disputes_item_data in _disputes:
                disputes_item = Dispute.from_dict(disputes_item_data)

                disputes.append(disputes_item)

        package_name = d.pop("package_name", UNSET)

        _receipt = d.pop("receipt", UNSET)
        receipt: Documents | Unset
        if isinstance(_receipt, Unset):
            receipt = UNSET
        else:
            receipt = Documents.from_dict(_receipt)

        user_id = d.pop("user_id", UNSET)

        def _parse_quarantine_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        quarantine_reason = _parse_quarantine_reason(d.pop("quarantine_reason", UNSET))

        _stripe = d.pop("stripe", UNSET)
        stripe: StripeIds | Unset
        if isinstance(_stripe, Unset):
            stripe = UNSET
        else:
            stripe = StripeIds.from_dict(_stripe)

        _refused_besides = d.pop("refused_besides", UNSET)
        refused_besides: list[RefusedPayment] | Unset = UNSET
        if _refused_besides is not UNSET:
            refused_besides = []
            for refused_besides_item_data in _refused_besides:
                refused_besides_item = RefusedPayment.from_dict(
                    refused_besides_item_data
                )

                refused_besides.append(refused_besides_item)

        age_seconds = d.pop("age_seconds", UNSET)

        _lot = d.pop("lot", UNSET)
        lot: LotOfPayment | Unset
        if isinstance(_lot, Unset):
            lot = UNSET
        else:
            lot = LotOfPayment.from_dict(_lot)

        _releases = d.pop("releases", UNSET)
        releases: list[Release] | Unset = UNSET
        if _releases is not UNSET:
            releases = []
            for releases_item_data in _releases:
                releases_item = Release.from_dict(releases_item_data)

                releases.append(releases_item)

        def _parse_release_quote(data: object) -> None | ReleaseQuote | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                release_quote_type_0 = ReleaseQuote.from_dict(data)

                return release_quote_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReleaseQuote | Unset, data)

        release_quote = _parse_release_quote(d.pop("release_quote", UNSET))

        _fraud_warning = d.pop("fraud_warning", UNSET)
        fraud_warning: FraudWarning | Unset
        if isinstance(_fraud_warning, Unset):
            fraud_warning = UNSET
        else:
            fraud_warning = FraudWarning.from_dict(_fraud_warning)

        payment = cls(
            payment_id=payment_id,
            status=status,
            package=package,
            amount=amount,
            currency=currency,
            credits_purchased=credits_purchased,
            payment_url=payment_url,
            created_at=created_at,
            paid_at=paid_at,
            error_message=error_message,
            error_code=error_code,
            may_retry=may_retry,
            under_review=under_review,
            amount_paid=amount_paid,
            tax=tax,
            discount=discount,
            credits_to_debt=credits_to_debt,
            credits_available=credits_available,
            amount_refunded=amount_refunded,
            credits_refunded=credits_refunded,
            refunds=refunds,
            disputes=disputes,
            package_name=package_name,
            receipt=receipt,
            user_id=user_id,
            quarantine_reason=quarantine_reason,
            stripe=stripe,
            refused_besides=refused_besides,
            age_seconds=age_seconds,
            lot=lot,
            releases=releases,
            release_quote=release_quote,
            fraud_warning=fraud_warning,
        )

        payment.additional_properties = d
        return payment

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
