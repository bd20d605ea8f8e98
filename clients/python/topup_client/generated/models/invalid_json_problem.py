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

T = TypeVar("T", bound="InvalidJsonProblem")


@_attrs_define
class InvalidJsonProblem:
    """The body is not valid JSON

    Attributes:
        type_ (Literal['urn:topup:problem:invalid_json']): The same as `code`, as a URI (RFC 9457); it leads nowhere
        title (str): What went wrong, for people
        status (Literal[400]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['invalid_json']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
    """

    type_: Literal["urn:topup:problem:invalid_json"]
    title: str
    status: Literal[400]
    detail: str
    code: Literal["invalid_json"]
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
        type_ = cast(Literal["urn:topup:problem:invalid_json"], d.pop("type"))
        if type_ != "urn:topup:problem:invalid_json":
            raise ValueError(
                f"type must match const 'urn:topup:problem:invalid_json', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[400], d.pop("status"))
        if status != 400:
            raise ValueError(f"status must match const 400, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["invalid_json"], d.pop("code"))
        if code != "invalid_json":
            raise ValueError(f"code must match const 'invalid_json', got '{code}'")

        request_id = d.pop("request_id")

        invalid_json_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
        )

        invalid_json_problem.additional_properties = d
        return invalid_json_problem

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
