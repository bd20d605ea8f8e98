"""Contains all the data models used in inputs/outputs"""

from .adjustment_body import AdjustmentBody
from .adjustment_receipt import AdjustmentReceipt
from .already_granted_problem import AlreadyGrantedProblem
from .any_amount_package import AnyAmountPackage
from .batch_body import BatchBody
from .batch_item_body import BatchItemBody
from .batch_item_body_metadata import BatchItemBodyMetadata
from .batch_receipt import BatchReceipt
from .body_too_large_problem import BodyTooLargeProblem
from .busy_problem import BusyProblem
from .capture_body import CaptureBody
from .capture_body_metadata import CaptureBodyMetadata
from .capture_receipt import CaptureReceipt
from .capture_receipt_metadata import CaptureReceiptMetadata
from .capture_receipt_overrun import CaptureReceiptOverrun
from .capture_receipt_status import CaptureReceiptStatus
from .catalogue import Catalogue
from .catalogue_packages import CataloguePackages
from .checkout import Checkout
from .checkout_body import CheckoutBody
from .checkout_body_locale_type_0 import CheckoutBodyLocaleType0
from .checkout_status import CheckoutStatus
from .credits_ import Credits
from .credits_spent_problem import CreditsSpentProblem
from .dispute import Dispute
from .documents import Documents
from .extension_body import ExtensionBody
from .forbidden_problem import ForbiddenProblem
from .fraud_warning import FraudWarning
from .fulfil_quote import FulfilQuote
from .gateway_error import GatewayError
from .get_payment_expand import GetPaymentExpand
from .give_back_quote import GiveBackQuote
from .grant_body import GrantBody
from .grant_receipt import GrantReceipt
from .hold_body import HoldBody
from .hold_body_metadata import HoldBodyMetadata
from .hold_body_overrun import HoldBodyOverrun
from .hold_ended_problem import HoldEndedProblem
from .hold_list import HoldList
from .hold_not_found_problem import HoldNotFoundProblem
from .hold_receipt import HoldReceipt
from .hold_receipt_metadata import HoldReceiptMetadata
from .hold_receipt_overrun import HoldReceiptOverrun
from .hold_receipt_status import HoldReceiptStatus
from .idempotency_conflict_problem import IdempotencyConflictProblem
from .insufficient_credits_problem import InsufficientCreditsProblem
from .internal_error_problem import InternalErrorProblem
from .invalid_event_problem import InvalidEventProblem
from .invalid_json_problem import InvalidJsonProblem
from .invalid_signature_problem import InvalidSignatureProblem
from .listed_hold import ListedHold
from .listed_hold_metadata import ListedHoldMetadata
from .listed_hold_overrun import ListedHoldOverrun
from .listed_hold_status import ListedHoldStatus
from .lot import Lot
from .lot_of_payment import LotOfPayment
from .lot_source import LotSource
from .method_not_allowed_problem import MethodNotAllowedProblem
from .misconfigured_problem import MisconfiguredProblem
from .moved_lot import MovedLot
from .no_such_address_problem import NoSuchAddressProblem
from .not_cancellable_problem import NotCancellableProblem
from .not_refundable_problem import NotRefundableProblem
from .not_releasable_problem import NotReleasableProblem
from .order_missing_problem import OrderMissingProblem
from .order_unsettled_problem import OrderUnsettledProblem
from .package import Package
from .payment import Payment
from .payment_list import PaymentList
from .payment_not_found_problem import PaymentNotFoundProblem
from .payment_status import PaymentStatus
from .quote_body import QuoteBody
from .quote_stale_problem import QuoteStaleProblem
from .received import Received
from .refund import Refund
from .refund_body import RefundBody
from .refund_quote import RefundQuote
from .refund_result import RefundResult
from .refund_status import RefundStatus
from .refused_payment import RefusedPayment
from .release import Release
from .release_action import ReleaseAction
from .release_body import ReleaseBody
from .release_body_action import ReleaseBodyAction
from .release_quote import ReleaseQuote
from .release_status import ReleaseStatus
from .reversal_body import ReversalBody
from .reversal_receipt import ReversalReceipt
from .spend_body import SpendBody
from .spend_body_metadata import SpendBodyMetadata
from .spend_not_found_problem import SpendNotFoundProblem
from .spend_receipt import SpendReceipt
from .spend_reversed_problem import SpendReversedProblem
from .stripe_error_problem import StripeErrorProblem
from .stripe_event import StripeEvent
from .stripe_ids import StripeIds
from .tier import Tier
from .too_many_holds_problem import TooManyHoldsProblem
from .transaction import Transaction
from .transaction_list import TransactionList
from .transaction_metadata import TransactionMetadata
from .unauthorized_problem import UnauthorizedProblem
from .unsupported_media_type_problem import UnsupportedMediaTypeProblem
from .validation_failed_problem import ValidationFailedProblem
from .validation_failed_problem_errors_item import ValidationFailedProblemErrorsItem

__all__ = (
    "AdjustmentBody",
    "AdjustmentReceipt",
    "AlreadyGrantedProblem",
    "AnyAmountPackage",
    "BatchBody",
    "BatchItemBody",
    "BatchItemBodyMetadata",
    "BatchReceipt",
    "BodyTooLargeProblem",
    "BusyProblem",
    "CaptureBody",
    "CaptureBodyMetadata",
    "CaptureReceipt",
    "CaptureReceiptMetadata",
    "CaptureReceiptOverrun",
    "CaptureReceiptStatus",
    "Catalogue",
    "CataloguePackages",
    "Checkout",
    "CheckoutBody",
    "CheckoutBodyLocaleType0",
    "CheckoutStatus",
    "Credits",
    "CreditsSpentProblem",
    "Dispute",
    "Documents",
    "ExtensionBody",
    "ForbiddenProblem",
    "FraudWarning",
    "FulfilQuote",
    "GatewayError",
    "GetPaymentExpand",
    "GiveBackQuote",
    "GrantBody",
    "GrantReceipt",
    "HoldBody",
    "HoldBodyMetadata",
    "HoldBodyOverrun",
    "HoldEndedProblem",
    "HoldList",
    "HoldNotFoundProblem",
    "HoldReceipt",
    "HoldReceiptMetadata",
    "HoldReceiptOverrun",
    "HoldReceiptStatus",
    "IdempotencyConflictProblem",
    "InsufficientCreditsProblem",
    "InternalErrorProblem",
    "InvalidEventProblem",
    "InvalidJsonProblem",
    "InvalidSignatureProblem",
    "ListedHold",
    "ListedHoldMetadata",
    "ListedHoldOverrun",
    "ListedHoldStatus",
    "Lot",
    "LotOfPayment",
    "LotSource",
    "MethodNotAllowedProblem",
    "MisconfiguredProblem",
    "MovedLot",
    "NoSuchAddressProblem",
    "NotCancellableProblem",
    "NotRefundableProblem",
    "NotReleasableProblem",
    "OrderMissingProblem",
    "OrderUnsettledProblem",
    "Package",
    "Payment",
    "PaymentList",
    "PaymentNotFoundProblem",
    "PaymentStatus",
    "QuoteBody",
    "QuoteStaleProblem",
    "Received",
    "Refund",
    "RefundBody",
    "RefundQuote",
    "RefundResult",
    "RefundStatus",
    "RefusedPayment",
    "Release",
    "ReleaseAction",
    "ReleaseBody",
    "ReleaseBodyAction",
    "ReleaseQuote",
    "ReleaseStatus",
    "ReversalBody",
    "ReversalReceipt",
    "SpendBody",
    "SpendBodyMetadata",
    "SpendNotFoundProblem",
    "SpendReceipt",
    "SpendReversedProblem",
    "StripeErrorProblem",
    "StripeEvent",
    "StripeIds",
    "Tier",
    "TooManyHoldsProblem",
    "Transaction",
    "TransactionList",
    "TransactionMetadata",
    "UnauthorizedProblem",
    "UnsupportedMediaTypeProblem",
    "ValidationFailedProblem",
    "ValidationFailedProblemErrorsItem",
)
