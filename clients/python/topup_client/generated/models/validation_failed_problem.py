from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.validation_failed_problem_errors_item import (
        ValidationFailedProblemErrorsItem,
    )


T = TypeVar("T", bound="ValidationFailedProblem")


@_attrs_define
class ValidationFailedProblem:
    """The request has invalid fields

    Attributes:
        type_ (Literal['urn:topup:problem:validation_failed']): The same as `code`, as a URI (RFC 9457); it leads
            nowhere
        title (str): What went wrong, for people
        status (Literal[422]): The HTTP status
        detail (str): What went wrong in this case, for people
        code (Literal['validation_failed']): What went wrong, for programs
        request_id (str): The id of this request, as in the logs and in X-Request-Id
        errors (list[ValidationFailedProblemErrorsItem]): What was refused, one by one; at most 20
    """

    type_: Literal["urn:topup:problem:validation_failed"]
    title: str
    status: Literal[422]
    detail: str
    code: Literal["validation_failed"]
    request_id: str
    errors: list[ValidationFailedProblemErrorsItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        errors = []
        for errors_item_data in self.errors:
            errors_item = errors_item_data.to_dict()
            errors.append(errors_item)

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
                "errors": errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.validation_failed_problem_errors_item import (
            ValidationFailedProblemErrorsItem,
        )

        d = dict(src_dict)
        type_ = cast(Literal["urn:topup:problem:validation_failed"], d.pop("type"))
        if type_ != "urn:topup:problem:validation_failed":
            raise ValueError(
                f"type must match const 'urn:topup:problem:validation_failed', got '{type_}'"
            )

        title = d.pop("title")

        status = cast(Literal[422], d.pop("status"))
        if status != 422:
            raise ValueError(f"status must match const 422, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["validation_failed"], d.pop("code"))
        if code != "validation_failed":
            raise ValueError(f"code must match const 'validation_failed', got '{code}'")

        request_id = d.pop("request_id")

        errors = []
        _errors = d.pop("errors")
        for errors_item_data in _errors:
            errors_item = ValidationFailedProblemErrorsItem.from_dict(errors_item_data)

            errors.append(errors_item)

        validation_failed_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            errors=errors,
        )

        validation_failed_problem.additional_properties = d
        return validation_failed_problem

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
