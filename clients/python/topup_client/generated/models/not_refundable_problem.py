from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NotRefundableProblem")


@_attrs_define
class NotRefundableProblem:
    """This payment cannot be refunded

    Attributes:
        type_ (Literal['urn:topup:problem:not_refundable']): The same as `code`, as a URI (RFC 9457); it leads nowhere
        title (str): What went wrong, for people
        status (Literal[409]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['not_refundable']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
        largest_refundable (str | Unset): The most that can be refunded, in major units
    """

    type_: Literal["urn:topup:problem:not_refundable"]
    title: str
    status: Literal[409]
    detail: str
    code: Literal["not_refundable"]
    request_id: str
    largest_refundable: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        largest_refundable = self.largest_refundable

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
                "request_id": request_id,
            }
        )
        if largest_refundable is not UNSET:
            field_dict["largest_refundable"] = largest_refundable

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = cast(Literal["urn:topup:problem:not_refundable"], d.pop("type"))
        if type_ != "urn:topup:problem:not_refundable":
            raise ValueError(
                f"type must match const 'urn:topup:problem:not_refundable', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[409], d.pop("status"))
        if status != 409:
            raise ValueError(f"status must match const 409, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["not_refundable"], d.pop("code"))
        if code != "not_refundable":
            raise ValueError(f"code must match const 'not_refundable', got '{code}'")

        request_id = d.pop("request_id")

        largest_refundable = d.pop("largest_refundable", UNSET)

        not_refundable_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            largest_refundable=largest_refundable,
        )

        not_refundable_problem.additional_properties = d
        return not_refundable_problem

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
