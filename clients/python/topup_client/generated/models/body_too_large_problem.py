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

T = TypeVar("T", bound="BodyTooLargeProblem")


@_attrs_define
class BodyTooLargeProblem:
    """The body is too large

    Attributes:
        type_ (Literal['urn:topup:problem:body_too_large']): The same as `code`, as a URI (RFC 9457); it leads nowhere
        title (str): What went wrong, for people
        status (Literal[413]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['body_too_large']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
    """

    type_: Literal["urn:topup:problem:body_too_large"]
    title: str
    status: Literal[413]
    detail: str
    code: Literal["body_too_large"]
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
        type_ = cast(Literal["urn:topup:problem:body_too_large"], d.pop("type"))
        if type_ != "urn:topup:problem:body_too_large":
            raise ValueError(
                f"type must match const 'urn:topup:problem:body_too_large', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[413], d.pop("status"))
        if status != 413:
            raise ValueError(f"status must match const 413, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["body_too_large"], d.pop("code"))
        if code != "body_too_large":
            raise ValueError(f"code must match const 'body_too_large', got '{code}'")

        request_id = d.pop("request_id")

        body_too_large_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
        )

        body_too_large_problem.additional_properties = d
        return body_too_large_problem

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
