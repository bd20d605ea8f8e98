from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.checkout_body_locale_type_0 import CheckoutBodyLocaleType0
from ..types import UNSET, Unset

T = TypeVar("T", bound="CheckoutBody")


@_attrs_define
class CheckoutBody:
    """POST /api/payments/stripe/create.

    Attributes:
        package (str): The id of a package on sale
        amount (None | str | Unset): Major units; what to pay for a package of any amount, and refused for the others
        return_url (None | str | Unset): Where the buyer comes back to: an address of one of the configured origins; by
            default the first of them. `payment_id` and `status` (`success` or `cancelled`) are added to its query, and
            nothing else is changed; Stripe fills in {CHECKOUT_SESSION_ID}. The status is a hint for the page, no proof
        locale (CheckoutBodyLocaleType0 | None | Unset): The language of Stripe's pay page; in English or Chinese it
            also names what is bought
    """

    package: str
    amount: None | str | Unset = UNSET
    return_url: None | str | Unset = UNSET
    locale: CheckoutBodyLocaleType0 | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        package = self.package

        amount: None | str | Unset
        if isinstance(self.amount, Unset):
            amount = UNSET
        else:
            amount = self.amount

        return_url: None | str | Unset
        if isinstance(self.return_url, Unset):
            return_url = UNSET
        else:
            return_url = self.return_url

        locale: None | str | Unset
        if isinstance(self.locale, Unset):
            locale = UNSET
        elif isinstance(self.locale, CheckoutBodyLocaleType0):
            locale = self.locale.value
        else:
            locale = self.locale

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "package": package,
            }
        )
        if amount is not UNSET:
            field_dict["amount"] = amount
        if return_url is not UNSET:
            field_dict["return_url"] = return_url
        if locale is not UNSET:
            field_dict["locale"] = locale

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        package = d.pop("package")

        def _parse_amount(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        amount = _parse_amount(d.pop("amount", UNSET))

        def _parse_return_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        return_url = _parse_return_url(d.pop("return_url", UNSET))

        def _parse_locale(data: object) -> CheckoutBodyLocaleType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                locale_type_0 = CheckoutBodyLocaleType0(data)

                return locale_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CheckoutBodyLocaleType0 | None | Unset, data)

        locale = _parse_locale(d.pop("locale", UNSET))

        checkout_body = cls(
            package=package,
            amount=amount,
            return_url=return_url,
            locale=locale,
        )

        return checkout_body
