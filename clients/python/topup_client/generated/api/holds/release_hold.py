from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.busy_problem import BusyProblem
from ...models.forbidden_problem import ForbiddenProblem
from ...models.gateway_error import GatewayError
from ...models.hold_ended_problem import HoldEndedProblem
from ...models.hold_not_found_problem import HoldNotFoundProblem
from ...models.hold_receipt import HoldReceipt
from ...models.internal_error_problem import InternalErrorProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.unauthorized_problem import UnauthorizedProblem
from ...types import Response


def _get_kwargs(
    hold_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/users/credits/holds/{hold_id}/release".format(
            hold_id=quote(str(hold_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
    | None
):
    if response.status_code == 200:
        response_200 = HoldReceipt.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = UnauthorizedProblem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ForbiddenProblem.from_dict(response.json())

        return response_403

    if response.status_code == 404:

        def _parse_response_404(
            data: object,
        ) -> GatewayError | HoldNotFoundProblem | NoSuchAddressProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_404_type_0 = HoldNotFoundProblem.from_dict(data)

                return response_404_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_404_type_1 = NoSuchAddressProblem.from_dict(data)

                return response_404_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_404_type_2 = GatewayError.from_dict(data)

            return response_404_type_2

        response_404 = _parse_response_404(response.json())

        return response_404

    if response.status_code == 405:
        response_405 = MethodNotAllowedProblem.from_dict(response.json())

        return response_405

    if response.status_code == 409:
        response_409 = HoldEndedProblem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayError.from_dict(response.json())

        return response_413

    if response.status_code == 429:
        response_429 = GatewayError.from_dict(response.json())

        return response_429

    if response.status_code == 431:
        response_431 = GatewayError.from_dict(response.json())

        return response_431

    if response.status_code == 500:

        def _parse_response_500(
            data: object,
        ) -> GatewayError | InternalErrorProblem | MisconfiguredProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_500_type_0 = InternalErrorProblem.from_dict(data)

                return response_500_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_500_type_1 = MisconfiguredProblem.from_dict(data)

                return response_500_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_500_type_2 = GatewayError.from_dict(data)

            return response_500_type_2

        response_500 = _parse_response_500(response.json())

        return response_500

    if response.status_code == 503:

        def _parse_response_503(data: object) -> BusyProblem | GatewayError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_0 = BusyProblem.from_dict(data)

                return response_503_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_503_type_1 = GatewayError.from_dict(data)

            return response_503_type_1

        response_503 = _parse_response_503(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    hold_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
]:
    """A trusted service frees what it holds

     It takes no body. A hold that has been released answers the same again.

    Args:
        hold_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | HoldNotFoundProblem | NoSuchAddressProblem | GatewayError | InternalErrorProblem | MisconfiguredProblem | HoldEndedProblem | HoldReceipt | MethodNotAllowedProblem | UnauthorizedProblem]
    """

    kwargs = _get_kwargs(
        hold_id=hold_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    hold_id: str,
    *,
    client: AuthenticatedClient,
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
    | None
):
    """A trusted service frees what it holds

     It takes no body. A hold that has been released answers the same again.

    Args:
        hold_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | HoldNotFoundProblem | NoSuchAddressProblem | GatewayError | InternalErrorProblem | MisconfiguredProblem | HoldEndedProblem | HoldReceipt | MethodNotAllowedProblem | UnauthorizedProblem
    """

    return sync_detailed(
        hold_id=hold_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    hold_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
]:
    """A trusted service frees what it holds

     It takes no body. A hold that has been released answers the same again.

    Args:
        hold_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | HoldNotFoundProblem | NoSuchAddressProblem | GatewayError | InternalErrorProblem | MisconfiguredProblem | HoldEndedProblem | HoldReceipt | MethodNotAllowedProblem | UnauthorizedProblem]
    """

    kwargs = _get_kwargs(
        hold_id=hold_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    hold_id: str,
    *,
    client: AuthenticatedClient,
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | HoldNotFoundProblem
    | NoSuchAddressProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | HoldEndedProblem
    | HoldReceipt
    | MethodNotAllowedProblem
    | UnauthorizedProblem
    | None
):
    """A trusted service frees what it holds

     It takes no body. A hold that has been released answers the same again.

    Args:
        hold_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | HoldNotFoundProblem | NoSuchAddressProblem | GatewayError | InternalErrorProblem | MisconfiguredProblem | HoldEndedProblem | HoldReceipt | MethodNotAllowedProblem | UnauthorizedProblem
    """

    return (
        await asyncio_detailed(
            hold_id=hold_id,
            client=client,
        )
    ).parsed
