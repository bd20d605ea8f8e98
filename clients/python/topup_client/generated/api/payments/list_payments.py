from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.busy_problem import BusyProblem
from ...models.gateway_error import GatewayError
from ...models.internal_error_problem import InternalErrorProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.payment_list import PaymentList
from ...models.unauthorized_problem import UnauthorizedProblem
from ...models.validation_failed_problem import ValidationFailedProblem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["cursor"] = cursor

    params["lang"] = lang

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/payments",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    BusyProblem
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
    | None
):
    if response.status_code == 200:
        response_200 = PaymentList.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = UnauthorizedProblem.from_dict(response.json())

        return response_401

    if response.status_code == 404:

        def _parse_response_404(data: object) -> GatewayError | NoSuchAddressProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_404_type_0 = NoSuchAddressProblem.from_dict(data)

                return response_404_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_404_type_1 = GatewayError.from_dict(data)

            return response_404_type_1

        response_404 = _parse_response_404(response.json())

        return response_404

    if response.status_code == 405:
        response_405 = MethodNotAllowedProblem.from_dict(response.json())

        return response_405

    if response.status_code == 413:
        response_413 = GatewayError.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = ValidationFailedProblem.from_dict(response.json())

        return response_422

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
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> Response[
    BusyProblem
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
]:
    """A user's payments, newest first

     A payment reads here as at its own address.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | UnauthorizedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        cursor=cursor,
        lang=lang,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> (
    BusyProblem
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
    | None
):
    """A user's payments, newest first

     A payment reads here as at its own address.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | UnauthorizedProblem | ValidationFailedProblem
    """

    return sync_detailed(
        client=client,
        limit=limit,
        cursor=cursor,
        lang=lang,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> Response[
    BusyProblem
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
]:
    """A user's payments, newest first

     A payment reads here as at its own address.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | UnauthorizedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        cursor=cursor,
        lang=lang,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> (
    BusyProblem
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | UnauthorizedProblem
    | ValidationFailedProblem
    | None
):
    """A user's payments, newest first

     A payment reads here as at its own address.

    Args:
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | UnauthorizedProblem | ValidationFailedProblem
    """

    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            cursor=cursor,
            lang=lang,
        )
    ).parsed
