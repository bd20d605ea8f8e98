from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.busy_problem import BusyProblem
from ...models.forbidden_problem import ForbiddenProblem
from ...models.gateway_error import GatewayError
from ...models.internal_error_problem import InternalErrorProblem
from ...models.method_not_allowed_problem import MethodNotAllowedProblem
from ...models.misconfigured_problem import MisconfiguredProblem
from ...models.no_such_address_problem import NoSuchAddressProblem
from ...models.payment_list import PaymentList
from ...models.stripe_error_problem import StripeErrorProblem
from ...models.unauthorized_problem import UnauthorizedProblem
from ...models.validation_failed_problem import ValidationFailedProblem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    payment_id: str | Unset = UNSET,
    session: str | Unset = UNSET,
    payment_intent: str | Unset = UNSET,
    charge: str | Unset = UNSET,
    email: str | Unset = UNSET,
    status: str | Unset = UNSET,
    min_age_seconds: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["payment_id"] = payment_id

    params["session"] = session

    params["payment_intent"] = payment_intent

    params["charge"] = charge

    params["email"] = email

    params["status"] = status

    params["min_age_seconds"] = min_age_seconds

    params["limit"] = limit

    params["cursor"] = cursor

    params["lang"] = lang

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/admin/payments",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
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
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
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
    payment_id: str | Unset = UNSET,
    session: str | Unset = UNSET,
    payment_intent: str | Unset = UNSET,
    charge: str | Unset = UNSET,
    email: str | Unset = UNSET,
    status: str | Unset = UNSET,
    min_age_seconds: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> Response[
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
    | UnauthorizedProblem
    | ValidationFailedProblem
]:
    """Payments by an id of ours or of Stripe's, an e-mail address or a state, for staff

     Name exactly one of `payment_id`, `session`, `payment_intent`, `charge`, `email` and `status`; where
    there is none, the list is empty. Stripe is asked once for its own ids, for `email`, which finds the
    payments whose buyer gave this address on the pay page, and for `status=disputed`: payments with a
    dispute that is not decided, the newest first. A page of `email` or `status` may have fewer rows
    than `limit`, or none: follow `next_cursor`.

    Args:
        payment_id (str | Unset):
        session (str | Unset):
        payment_intent (str | Unset):
        charge (str | Unset):
        email (str | Unset):
        status (str | Unset):
        min_age_seconds (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | StripeErrorProblem | UnauthorizedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        payment_id=payment_id,
        session=session,
        payment_intent=payment_intent,
        charge=charge,
        email=email,
        status=status,
        min_age_seconds=min_age_seconds,
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
    payment_id: str | Unset = UNSET,
    session: str | Unset = UNSET,
    payment_intent: str | Unset = UNSET,
    charge: str | Unset = UNSET,
    email: str | Unset = UNSET,
    status: str | Unset = UNSET,
    min_age_seconds: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
    | UnauthorizedProblem
    | ValidationFailedProblem
    | None
):
    """Payments by an id of ours or of Stripe's, an e-mail address or a state, for staff

     Name exactly one of `payment_id`, `session`, `payment_intent`, `charge`, `email` and `status`; where
    there is none, the list is empty. Stripe is asked once for its own ids, for `email`, which finds the
    payments whose buyer gave this address on the pay page, and for `status=disputed`: payments with a
    dispute that is not decided, the newest first. A page of `email` or `status` may have fewer rows
    than `limit`, or none: follow `next_cursor`.

    Args:
        payment_id (str | Unset):
        session (str | Unset):
        payment_intent (str | Unset):
        charge (str | Unset):
        email (str | Unset):
        status (str | Unset):
        min_age_seconds (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | StripeErrorProblem | UnauthorizedProblem | ValidationFailedProblem
    """

    return sync_detailed(
        client=client,
        payment_id=payment_id,
        session=session,
        payment_intent=payment_intent,
        charge=charge,
        email=email,
        status=status,
        min_age_seconds=min_age_seconds,
        limit=limit,
        cursor=cursor,
        lang=lang,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    payment_id: str | Unset = UNSET,
    session: str | Unset = UNSET,
    payment_intent: str | Unset = UNSET,
    charge: str | Unset = UNSET,
    email: str | Unset = UNSET,
    status: str | Unset = UNSET,
    min_age_seconds: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> Response[
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
    | UnauthorizedProblem
    | ValidationFailedProblem
]:
    """Payments by an id of ours or of Stripe's, an e-mail address or a state, for staff

     Name exactly one of `payment_id`, `session`, `payment_intent`, `charge`, `email` and `status`; where
    there is none, the list is empty. Stripe is asked once for its own ids, for `email`, which finds the
    payments whose buyer gave this address on the pay page, and for `status=disputed`: payments with a
    dispute that is not decided, the newest first. A page of `email` or `status` may have fewer rows
    than `limit`, or none: follow `next_cursor`.

    Args:
        payment_id (str | Unset):
        session (str | Unset):
        payment_intent (str | Unset):
        charge (str | Unset):
        email (str | Unset):
        status (str | Unset):
        min_age_seconds (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | StripeErrorProblem | UnauthorizedProblem | ValidationFailedProblem]
    """

    kwargs = _get_kwargs(
        payment_id=payment_id,
        session=session,
        payment_intent=payment_intent,
        charge=charge,
        email=email,
        status=status,
        min_age_seconds=min_age_seconds,
        limit=limit,
        cursor=cursor,
        lang=lang,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    payment_id: str | Unset = UNSET,
    session: str | Unset = UNSET,
    payment_intent: str | Unset = UNSET,
    charge: str | Unset = UNSET,
    email: str | Unset = UNSET,
    status: str | Unset = UNSET,
    min_age_seconds: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    lang: str | Unset = UNSET,
) -> (
    BusyProblem
    | GatewayError
    | ForbiddenProblem
    | InternalErrorProblem
    | MisconfiguredProblem
    | NoSuchAddressProblem
    | MethodNotAllowedProblem
    | PaymentList
    | StripeErrorProblem
    | UnauthorizedProblem
    | ValidationFailedProblem
    | None
):
    """Payments by an id of ours or of Stripe's, an e-mail address or a state, for staff

     Name exactly one of `payment_id`, `session`, `payment_intent`, `charge`, `email` and `status`; where
    there is none, the list is empty. Stripe is asked once for its own ids, for `email`, which finds the
    payments whose buyer gave this address on the pay page, and for `status=disputed`: payments with a
    dispute that is not decided, the newest first. A page of `email` or `status` may have fewer rows
    than `limit`, or none: follow `next_cursor`.

    Args:
        payment_id (str | Unset):
        session (str | Unset):
        payment_intent (str | Unset):
        charge (str | Unset):
        email (str | Unset):
        status (str | Unset):
        min_age_seconds (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        lang (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BusyProblem | GatewayError | ForbiddenProblem | GatewayError | GatewayError | InternalErrorProblem | MisconfiguredProblem | GatewayError | NoSuchAddressProblem | MethodNotAllowedProblem | PaymentList | StripeErrorProblem | UnauthorizedProblem | ValidationFailedProblem
    """

    return (
        await asyncio_detailed(
            client=client,
            payment_id=payment_id,
            session=session,
            payment_intent=payment_intent,
            charge=charge,
            email=email,
            status=status,
            min_age_seconds=min_age_seconds,
            limit=limit,
            cursor=cursor,
            lang=lang,
        )
    ).parsed
