from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.catalogue import Catalogue
from ...models.gateway_error import GatewayError
from ...models.internal_error_problem import InternalErrorProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.validation_failed_problem import ValidationFailedProblem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    lang: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    params: dict[str, Any] = {}

    params["lang"] = lang

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/payments/packages",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | ValidationFailedProblem
    | None
):
    if response.status_code == 200:
        response_200 = Catalogue.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

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
        response_503 = GatewayError.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
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
    client: AuthenticatedClient | Client,
    lang: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | ValidationFailedProblem
]:
    """What is on sale

     Anyone may ask; `?lang=en` names the packages in that language. The ids are what a payment names;
    prices are text with all decimals, as in a new payment.

    Args:
        lang (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Catalogue | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        lang=lang,
        if_none_match=if_none_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    lang: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> (
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | ValidationFailedProblem
    | None
):
    """What is on sale

     Anyone may ask; `?lang=en` names the packages in that language. The ids are what a payment names;
    prices are text with all decimals, as in a new payment.

    Args:
        lang (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Catalogue | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | ValidationFailedProblem
    """

    return sync_detailed(
        client=client,
        lang=lang,
        if_none_match=if_none_match,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    lang: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | ValidationFailedProblem
]:
    """What is on sale

     Anyone may ask; `?lang=en` names the packages in that language. The ids are what a payment names;
    prices are text with all decimals, as in a new payment.

    Args:
        lang (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Catalogue | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        lang=lang,
        if_none_match=if_none_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    lang: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> (
    Any
    | Catalogue
    | GatewayError
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | ValidationFailedProblem
    | None
):
    """What is on sale

     Anyone may ask; `?lang=en` names the packages in that language. The ids are what a payment names;
    prices are text with all decimals, as in a new payment.

    Args:
        lang (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Catalogue | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | ValidationFailedProblem
    """

    return (
        await asyncio_detailed(
            client=client,
            lang=lang,
            if_none_match=if_none_match,
        )
    ).parsed
