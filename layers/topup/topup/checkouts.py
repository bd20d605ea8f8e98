"""Open a checkout: write the order, create Stripe's session for it, store the session in the order."""

from dataclasses import dataclass, replace
from datetime import datetime

from topup import store, stripe_gateway
from topup.domain import idempotency, placing, return_urls, wording
from topup.domain.catalogue import Catalogue, Package
from topup.domain.errors import Busy, FieldError, StripeFailed, ValidationFailed
from topup.domain.orders import Order, Status
from topup.domain.wording import PayPage
from topup.runtime import config
from topup.runtime.telemetry import count, logger, pseudonym


@dataclass(frozen=True, kw_only=True)
class CheckoutRequest:
    """A package that a user wants to buy. `amount` is of one of any amount, in major units. `locale` is Stripe's, for
    the pay page; so is `email`, to fill it in.
    """

    user_id: str
    package_id: str
    amount: str | None = None
    return_url: str | None
    locale: str | None
    email: str | None
    idempotency_key: str | None

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same. What they do not name is left out: it was before requests could have it."""
        asked = (self.package_id, self.return_url, self.locale, self.amount)
        return idempotency.fingerprint(*asked[: 4 if self.amount else 3 if self.locale else 2])


def create(request: CheckoutRequest, now: datetime) -> tuple[Order, bool]:
    """An order with an open Checkout Session, and whether it is new; the same user, key and request give the same one.

    A crash at any point leaves an order that the same request completes. Raises ValidationFailed, IdempotencyConflict,
    StripeFailed, Busy.
    """
    payment_id = idempotency.id_from_key(request.user_id, request.idempotency_key)
    catalogue = config.catalogue()
    try:
        package = _package(request).or_valid_for(config.settings().expire_after_months)
        requested = placing.place(
            package,
            payment_id=payment_id,
            user_id=request.user_id,
            return_url=return_urls.checked(request.return_url, config.settings().frontend_origins),
            page=_page(package, request, catalogue),
            request_fingerprint=request.fingerprint,
            livemode=config.is_livemode(),
            now=now,
        )
    except ValidationFailed:
        # A retry returns the stored order even if the package has been withdrawn since.
        earlier = store.load_order(payment_id) if request.idempotency_key else None
        if earlier is None or (earlier.user_id, earlier.request_fingerprint) != (request.user_id, request.fingerprint):
            raise
        requested = earlier
    order = store.place_order(requested)
    placing.check_same_request(order, requested)
    placing.check_same_mode(order, livemode=config.is_livemode())
    # Who has paid needs no address to pay at. A buyer whose payment is under review may have paid: no page may invite
    # them to pay again.
    if order.payment_url or order.is_settled or order.is_under_review:
        return order, False
    try:
        return _open_session(_open(order, now), request.email), True
    except store.LostRace:
        raise Busy("The same request is under way; please retry") from None


def _page(package: Package, request: CheckoutRequest, catalogue: Catalogue) -> PayPage:
    page = wording.pay_page(package, request.locale or catalogue.checkout.locale, catalogue.language)
    return replace(page, may_change_total=catalogue.checkout.may_change_total)


def _open(order: Order, now: datetime) -> Order:
    """The order, ready for a session: one whose first session ended unseen gets another attempt. Raises LostRace.

    So does one whose session would have to end too soon for Stripe: nobody was sent to the one that it may have.
    """
    is_too_late = order.status is Status.PENDING and config.catalogue().checkout.is_too_late(order.open_since, now)
    if order.is_unfinished and not is_too_late:
        return order
    reopened = placing.reopened(order, now)
    store.reopen(order, reopened)
    return reopened


def _open_session(order: Order, email: str | None) -> Order:
    """The order with Stripe's session, where it is still the order that was read. Raises StripeFailed, LostRace."""
    try:
        session = stripe_gateway.open_session(order, email)
    except StripeFailed as error:
        if error.is_final:
            store.next_attempt(order)
        raise
    count("CheckoutOpened")
    logger.info(
        "checkout opened",
        payment_id=order.payment_id,
        user=pseudonym(order.user_id),
        package=order.package_id,
        credits=order.credits_purchased,
    )
    return store.attach_session(order, session.id, session.url)


def _package(request: CheckoutRequest) -> Package:
    """The package, for the amount that was asked for; raises ValidationFailed."""
    packages = config.catalogue().packages
    if request.package_id not in packages:
        raise ValidationFailed(FieldError("package", f"must be one of {', '.join(packages)}"))
    package = packages[request.package_id]
    if isinstance(package, Package):
        if request.amount is not None:
            raise ValidationFailed(FieldError("amount", "must not be given: this package has one price"))
        return package
    if request.amount is None:
        raise ValidationFailed(FieldError("amount", "is required: this package is sold for any amount"))
    return package.for_amount(request.amount)
