"""The handlers' environment in this process: what a deployment sets in addition to the template."""

from datetime import UTC, datetime

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
USER_ID = "user-1"
STACK = "topup-test"
JWT_SECRET = "a-secret-of-more-than-thirty-two-bytes"
API_KEY = "a-key-of-a-trusted-service"
STRIPE_SECRET_KEY = "sk_test_1"
WEBHOOK_SECRET = "whsec_of_the_test_endpoint"

ENVIRONMENT = {
    "STACK_NAME": STACK,
    "FRONTEND_URL": "https://shop.example,https://other.example:8443",
    "SECRETS_PREFIX": "",
    "JWT_SECRET": JWT_SECRET,
    "PROXY_API_KEY": API_KEY,
    "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "POWERTOOLS_METRICS_NAMESPACE": "Topup",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
