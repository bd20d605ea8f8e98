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

T = TypeVar("T", bound="HoldEndedProblem")


@_attrs_define
class HoldEndedProblem:
    """The hold has ended

    Attributes:
        type_ (Literal['urn:topup:problem:hold_ended']): The same as `code`, as a URI (RFC 9457); it leads nowhere
        title (str): What went wrong, for people
        status (Literal[409]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['hold_ended']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
        state (str): How it ended: captured, released or expired
        captured (int): What captures have taken
        shortfall (int): What captures could not take
    """

    type_: Literal["urn:topup:problem:hold_ended"]
    title: str
    status: Literal[409]
    detail: str
    code: Literal["hold_ended"]
    request_id: str
    state: str
    captured: int
    shortfall: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        state = self.state

        captured = self.captured

        shortfall = self.shortfall

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
                "state": state,
                "captured": captured,
                "shortfall": shortfall,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = cast(Literal["urn:topup:problem:hold_ended"], d.pop("type"))
        if type_ != "urn:topup:problem:hold_ended":
            raise ValueError(
                f"type must match const 'urn:topup:problem:hold_ended', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[409], d.pop("status"))
        if status != 409:
            raise ValueError(f"status must match const 409, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["hold_ended"], d.pop("code"))
        if code != "hold_ended":
            raise ValueError(f"code must match const 'hold_ended', got '{code}'")

        request_id = d.pop("request_id")

        state = d.pop("state")

        captured = d.pop("captured")

        shortfall = d.pop("shortfall")

        hold_ended_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            state=state,
            captured=captured,
            shortfall=shortfall,
        )

        hold_ended_problem.additional_properties = d
        return hold_ended_problem

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
