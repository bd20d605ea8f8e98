"""The parameters of each endpoint. All others are refused as unknown, as Stripe does."""

from local.stripe_simulator.api.schema import (
    Anything,
    Boolean,
    Either,
    Email,
    Hash,
    Integer,
    ListOf,
    Metadata,
    OneOf,
    OptionalText,
    Parameter,
    Text,
    Url,
)
from local.stripe_simulator.core.money import CURRENCIES, LARGEST_AMOUNT
from local.stripe_simulator.objects.base import words

LOCALES = words(
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR "
    "ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
METHOD_TYPES = ("card", "alipay", "wechat_pay", "sepa_debit")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
CANCELLATION_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
MAX_PER_PAGE = 100

EXPAND = ListOf(Text(), max_items=20)
AMOUNT = Integer(minimum=0, maximum=LARGEST_AMOUNT)
ADDRESS = Hash(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), OptionalText()))
SHIPPING = Hash({"name": Text(), "address": ADDRESS, "phone": Text(), "carrier": Text(), "tracking_number": Text()})
CREATED = Either(Integer(), Hash(dict.fromkeys(("gt", "gte", "lt", "lte"), Integer())))


class Currency(OneOf):
    """A currency code in any case, returned in lower case."""

    def read(self, raw: object, name: str) -> str:
        return super().read(raw.lower() if isinstance(raw, str) else raw, name)


CURRENCY = Currency(tuple(sorted(CURRENCIES)))


def hash_of(fields: dict[str, Parameter], *required: str) -> Hash:
    """The parameters of an endpoint; all endpoints accept `expand`."""
    return Hash({**fields, "expand": EXPAND}, required)


def page_of(**fields: Parameter) -> Hash:
    """The parameters of a list."""
    cursors = {"starting_after": Text(), "ending_before": Text()}
    return hash_of({"limit": Integer(minimum=1, maximum=MAX_PER_PAGE), **cursors, **fields})


NOTHING = hash_of({})
PRODUCT_DATA = Hash(
    {
        "name": Text(),
        "description": Text(),
        "images": ListOf(Text(), max_items=8),
        "metadata": Metadata(),
        "tax_code": Text(),
        "unit_label": Text(),
    },
    ("name",),
)
PRICE_DATA = Hash(
    {
        "currency": CURRENCY,
        "product": Text(),
        "product_data": PRODUCT_DATA,
        "tax_behavior": OneOf(("exclusive", "inclusive", "unspecified")),
        "unit_amount": AMOUNT,
    },
    ("currency", "unit_amount"),
)
LINE_ITEM = Hash(
    {"price": Text(), "price_data": PRICE_DATA, "quantity": Integer(minimum=1), "metadata": Metadata()}, ("quantity",)
)
INTENT_DATA = Hash(
    {
        "metadata": Metadata(),
        "description": Text(max_length=1000),
        "receipt_email": Text(),
        "setup_future_usage": OneOf(("off_session", "on_session")),
        "shipping": SHIPPING,
        "statement_descriptor": Text(max_length=22),
        "statement_descriptor_suffix": Text(max_length=22),
    }
)
METHOD_OPTIONS = Hash(
    {
        "alipay": Hash({"setup_future_usage": OneOf(("none",))}),
        "card": Hash(
            {
                "request_three_d_secure": OneOf(("any", "automatic", "challenge")),
                "setup_future_usage": OneOf(("off_session", "on_session")),
            }
        ),
        "wechat_pay": Hash(
            {
                "client": OneOf(("android", "ios", "web")),
                "app_id": Text(),
                "setup_future_usage": OneOf(("none",)),
            },
            ("client",),
        ),
    }
)
INVOICE_DATA = Hash({"description": Text(max_length=1500), "footer": Text(), "metadata": Metadata()})
SESSION_CREATE = hash_of(
    {
        "adaptive_pricing": Hash({"enabled": Boolean()}),
        "allow_promotion_codes": Boolean(),
        "allowed_payment_method_types": ListOf(Text()),
        "automatic_tax": Hash({"enabled": Boolean()}, ("enabled",)),
        "billing_address_collection": OneOf(("auto", "required")),
        "cancel_url": Url(),
        "client_reference_id": Text(max_length=200),
        "currency": CURRENCY,
        "customer_creation": OneOf(("always", "if_required")),
        "customer_email": Email(max_length=800),
        "excluded_payment_method_types": ListOf(Text()),
        "expires_at": Integer(),
        "invoice_creation": Hash({"enabled": Boolean(), "invoice_data": INVOICE_DATA}, ("enabled",)),
        "line_items": ListOf(LINE_ITEM),
        "locale": OneOf(LOCALES),
        "metadata": Metadata(),
        "mode": OneOf(("payment", "setup", "subscription")),
        "payment_intent_data": INTENT_DATA,
        "payment_method_options": METHOD_OPTIONS,
        "payment_method_types": ListOf(OneOf(METHOD_TYPES)),
        "submit_type": OneOf(("auto", "book", "donate", "pay", "subscribe")),
        "success_url": Url(),
        "tax_id_collection": Hash({"enabled": Boolean(), "required": OneOf(("if_supported", "never"))}, ("enabled",)),
        "ui_mode": OneOf(("elements", "embedded_page", "form", "hosted_page")),
    },
    "mode",
    "line_items",
    "success_url",
)
SESSION_LIST = page_of(
    created=CREATED,
    customer_details=Hash({"email": Text()}, ("email",)),
    payment_intent=Text(),
    payment_link=Text(),
    status=OneOf(("complete", "expired", "open")),
)

INTENT_CREATE = hash_of(
    {
        "allowed_payment_method_types": ListOf(Text()),
        "amount": Integer(minimum=1, maximum=LARGEST_AMOUNT),
        "confirm": Boolean(),
        "currency": CURRENCY,
        "description": Text(max_length=1000),
        "metadata": Metadata(),
        "payment_method": Text(),
        "payment_method_types": ListOf(OneOf(METHOD_TYPES)),
        "receipt_email": Text(),
        "return_url": Url(),
        "shipping": SHIPPING,
    },
    "amount",
    "currency",
)
INTENT_CONFIRM = hash_of({"payment_method": Text(), "return_url": Url()})
INTENT_CANCEL = hash_of({"cancellation_reason": OneOf(CANCELLATION_REASONS)})
INTENT_LIST = page_of(created=CREATED)
CHARGE_LIST = page_of(created=CREATED, payment_intent=Text())

REFUND_CREATE = hash_of(
    {
        "amount": Integer(minimum=1, maximum=LARGEST_AMOUNT),
        "charge": Text(),
        "metadata": Metadata(),
        "payment_intent": Text(),
        "reason": OneOf(REFUND_REASONS),
    }
)
REFUND_LIST = page_of(created=CREATED, charge=Text(), payment_intent=Text())
METADATA_UPDATE = hash_of({"metadata": Metadata()})
DISPUTE_LIST = page_of(created=CREATED, charge=Text(), payment_intent=Text())
WARNING_LIST = page_of(created=CREATED, charge=Text(), payment_intent=Text())

EVENT_LIST = page_of(created=CREATED, delivery_success=Boolean(), type=Text(), types=ListOf(Text(), max_items=20))
# With `for_stripecli` the CLI's `events resend` requests a delivery to itself.
EVENT_RETRY = hash_of({"webhook_endpoint": Text(), "for_stripecli": Boolean()})

ENDPOINT_CREATE = hash_of(
    {
        "api_version": Text(),
        "description": OptionalText(),
        "enabled_events": ListOf(Text(), max_items=500),
        "metadata": Metadata(),
        "url": Url(),
    },
    "url",
    "enabled_events",
)
ENDPOINT_UPDATE = hash_of(
    {
        "description": OptionalText(),
        "disabled": Boolean(),
        "enabled_events": ListOf(Text(), max_items=500),
        "metadata": Metadata(),
        "url": Url(),
    }
)
ENDPOINT_LIST = page_of()

PRODUCT_CREATE = hash_of({**PRODUCT_DATA.fields, "active": Boolean()}, "name")
PRICE_CREATE = hash_of(
    {
        "currency": CURRENCY,
        "lookup_key": Text(),
        "metadata": Metadata(),
        "nickname": Text(),
        "product": Text(),
        "product_data": PRODUCT_DATA,
        "tax_behavior": OneOf(("exclusive", "inclusive", "unspecified")),
        "unit_amount": AMOUNT,
    },
    "currency",
    "unit_amount",
)
METHOD_CREATE = hash_of(
    {
        "billing_details": Hash({"address": ADDRESS, "email": Text(), "name": Text(), "phone": Text()}),
        "card": Hash({"token": Text(), "number": Text(), "exp_month": Text(), "exp_year": Text(), "cvc": Text()}),
        "sepa_debit": Hash({"iban": Text()}),
        "alipay": Anything(),
        "wechat_pay": Anything(),
        "type": OneOf(METHOD_TYPES),
    },
    "type",
)
PAGE_CONFIRM = hash_of({"payment_method": Text(), "expected_amount": Integer()}, "payment_method")
