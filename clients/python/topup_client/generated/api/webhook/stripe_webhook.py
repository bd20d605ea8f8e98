from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.body_too_large_problem import BodyTooLargeProblem
from ...models.busy_problem import BusyProblem
from ...models.gateway_error import GatewayError
from ...models.internal_error_problem import InternalErrorProblem
from ...models.invalid_event_problem import InvalidEventProblem
from ...models.invalid_json_problem import InvalidJsonProblem
from ...models.invalid_signature_problem import InvalidSignatureProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.order_missing_problem import OrderMissingProblem
from ...models.order_unsettled_problem import OrderUnsettledProblem
from ...models.received import Received
from ...models.stripe_error_problem import StripeErrorProblem
from ...models.stripe_event import StripeEvent
from ...types import Response


def _get_kwargs(
    *,
    body: StripeEvent,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/payments/webhook/stripe",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
    | None
):
    if response.status_code == 200:
        response_200 = Received.from_dict(response.json())

        return response_200

    if response.status_code == 400:

        def _parse_response_400(
            data: object,
        ) -> InvalidEventProblem | InvalidJsonProblem | InvalidSignatureProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_0 = InvalidSignatureProblem.from_dict(data)

                return response_400_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_1 = InvalidJsonProblem.from_dict(data)

                return response_400_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_400_type_2 = InvalidEventProblem.from_dict(data)

            return response_400_type_2

        response_400 = _parse_response_400(response.json())

        return response_400

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

        def _parse_response_413(data: object) -> BodyTooLargeProblem | GatewayError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_413_type_0 = BodyTooLargeProblem.from_dict(data)

                return response_413_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_413_type_1 = GatewayError.from_dict(data)

            return response_413_type_1

        response_413 = _parse_response_413(response.json())

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

    if response.status_code == 502:
        response_502 = StripeErrorProblem.from_dict(response.json())

        return response_502

    if response.status_code == 503:

        def _parse_response_503(
            data: object,
        ) -> BusyProblem | GatewayError | OrderMissingProblem | OrderUnsettledProblem:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_0 = BusyProblem.from_dict(data)

                return response_503_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_1 = OrderMissingProblem.from_dict(data)

                return response_503_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_2 = OrderUnsettledProblem.from_dict(data)

                return response_503_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_503_type_3 = GatewayError.from_dict(data)

            return response_503_type_3

        response_503 = _parse_response_503(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
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
    body: StripeEvent,
) -> Response[
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
]:
    """Events from Stripe

     2xx means that the effect is durable; anything else makes Stripe send the event again.

    Args:
        body (StripeEvent): An event from Stripe; which other fields are read depends on its type.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | OrderMissingProblem | OrderUnsettledProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | InvalidEventProblem | InvalidJsonProblem | InvalidSignatureProblem | MethodNotAllowedProblem | Received | StripeErrorProblem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: StripeEvent,
) -> (
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
    | None
):
    """Events from Stripe

     2xx means that the effect is durable; anything else makes Stripe send the event again.

    Args:
        body (StripeEvent): An event from Stripe; which other fields are read depends on its type.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | OrderMissingProblem | OrderUnsettledProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | InvalidEventProblem | InvalidJsonProblem | InvalidSignatureProblem | MethodNotAllowedProblem | Received | StripeErrorProblem
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: StripeEvent,
) -> Response[
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
]:
    """Events from Stripe

     2xx means that the effect is durable; anything else makes Stripe send the event again.

    Args:
        body (StripeEvent): An event from Stripe; which other fields are read depends on its type.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | OrderMissingProblem | OrderUnsettledProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | InvalidEventProblem | InvalidJsonProblem | InvalidSignatureProblem | MethodNotAllowedProblem | Received | StripeErrorProblem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: StripeEvent,
) -> (
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | OrderMissingProblem
    | OrderUnsettledProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | InvalidEventProblem
    | InvalidJsonProblem
    | InvalidSignatureProblem
    | MethodNotAllowedProblem
    | Received
    | StripeErrorProblem
    | None
):
    """Events from Stripe

     2xx means that the effect is durable; anything else makes Stripe send the event again.

    Args:
        body (StripeEvent): An event from Stripe; which other fields are read depends on its type.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | OrderMissingProblem | OrderUnsettledProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | InvalidEventProblem | InvalidJsonProblem | InvalidSignatureProblem | MethodNotAllowedProblem | Received | StripeErrorProblem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
