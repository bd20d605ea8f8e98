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

T = TypeVar("T", bound="QuoteStaleProblem")


@_attrs_define
class QuoteStaleProblem:
    """This quote is no longer true: ask for a new one

    Attributes:
        type_ (Literal['urn:topup:problem:quote_stale']): The same as `code`, as a URI (RFC 9457); it leads nowhere
        title (str): What went wrong, for people
        status (Literal[409]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['quote_stale']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
    """

    type_: Literal["urn:topup:problem:quote_stale"]
    title: str
    status: Literal[409]
    detail: str
    code: Literal["quote_stale"]
    request_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

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

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = cast(Literal["urn:topup:problem:quote_stale"], d.pop("type"))
        if type_ != "urn:topup:problem:quote_stale":
            raise ValueError(
                f"type must match const 'urn:topup:problem:quote_stale', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[409], d.pop("status"))
        if status != 409:
            raise ValueError(f"status must match const 409, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["quote_stale"], d.pop("code"))
        if code != "quote_stale":
            raise ValueError(f"code must match const 'quote_stale', got '{code}'")

        request_id = d.pop("request_id")

        quote_stale_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
        )

        quote_stale_problem.additional_properties = d
        return quote_stale_problem

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
