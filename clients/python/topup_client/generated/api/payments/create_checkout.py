from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.body_too_large_problem import BodyTooLargeProblem
from ...models.busy_problem import BusyProblem
from ...models.checkout import Checkout
from ...models.checkout_body import CheckoutBody
from ...models.forbidden_problem import ForbiddenProblem
from ...models.gateway_error import GatewayError
from ...models.idempotency_conflict_problem import IdempotencyConflictProblem
from ...models.internal_error_problem import InternalErrorProblem
from ...models.invalid_json_problem import InvalidJsonProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.stripe_error_problem import StripeErrorProblem
from ...models.unauthorized_problem import UnauthorizedProblem
from ...models.unsupported_media_type_problem import UnsupportedMediaTypeProblem
from ...models.validation_failed_problem import ValidationFailedProblem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: CheckoutBody,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/payments/stripe/create",
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
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
    | ValidationFailedProblem
    | None
):
    if response.status_code == 200:
        response_200 = Checkout.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = InvalidJsonProblem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = UnauthorizedProblem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ForbiddenProblem.from_dict(response.json())

        return response_403

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

    if response.status_code == 409:
        response_409 = IdempotencyConflictProblem.from_dict(response.json())

        return response_409

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

    if response.status_code == 415:
        response_415 = UnsupportedMediaTypeProblem.from_dict(response.json())

        return response_415

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

    if response.status_code == 502:
        response_502 = StripeErrorProblem.from_dict(response.json())

        return response_502

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
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
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
    body: CheckoutBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
    | ValidationFailedProblem
]:
    """Place an order and open its Stripe Checkout

     Send the buyer to `payment_url`. The payment is settled by Stripe's events, not by the buyer's
    return: ask for its status. Amounts are text here, and numbers in a payment's status.

    Args:
        idempotency_key (str | Unset):
        body (CheckoutBody): POST /api/payments/stripe/create.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | Checkout | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | IdempotencyConflictProblem | InvalidJsonProblem | MethodNotAllowedProblem | StripeErrorProblem | UnauthorizedProblem | UnsupportedMediaTypeProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: CheckoutBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
    | ValidationFailedProblem
    | None
):
    """Place an order and open its Stripe Checkout

     Send the buyer to `payment_url`. The payment is settled by Stripe's events, not by the buyer's
    return: ask for its status. Amounts are text here, and numbers in a payment's status.

    Args:
        idempotency_key (str | Unset):
        body (CheckoutBody): POST /api/payments/stripe/create.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | Checkout | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | IdempotencyConflictProblem | InvalidJsonProblem | MethodNotAllowedProblem | StripeErrorProblem | UnauthorizedProblem | UnsupportedMediaTypeProblem | ValidationFailedProblem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CheckoutBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
    | ValidationFailedProblem
]:
    """Place an order and open its Stripe Checkout

     Send the buyer to `payment_url`. The payment is settled by Stripe's events, not by the buyer's
    return: ask for its status. Amounts are text here, and numbers in a payment's status.

    Args:
        idempotency_key (str | Unset):
        body (CheckoutBody): POST /api/payments/stripe/create.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | Checkout | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | IdempotencyConflictProblem | InvalidJsonProblem | MethodNotAllowedProblem | StripeErrorProblem | UnauthorizedProblem | UnsupportedMediaTypeProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CheckoutBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    BodyTooLargeProblem
    | GatewayError
    | BusyProblem
    | Checkout
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | IdempotencyConflictProblem
    | InvalidJsonProblem
    | MethodNotAllowedProblem
    | StripeErrorProblem
    | UnauthorizedProblem
    | UnsupportedMediaTypeProblem
    | ValidationFailedProblem
    | None
):
    """Place an order and open its Stripe Checkout

     Send the buyer to `payment_url`. The payment is settled by Stripe's events, not by the buyer's
    return: ask for its status. Amounts are text here, and numbers in a payment's status.

    Args:
        idempotency_key (str | Unset):
        body (CheckoutBody): POST /api/payments/stripe/create.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BodyTooLargeProblem | GatewayError | BusyProblem | GatewayError | Checkout | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | IdempotencyConflictProblem | InvalidJsonProblem | MethodNotAllowedProblem | StripeErrorProblem | UnauthorizedProblem | UnsupportedMediaTypeProblem | ValidationFailedProblem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
