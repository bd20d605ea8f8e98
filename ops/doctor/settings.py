"""What the settings and secrets themselves tell: are they there, safe, and of one mind?"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from jwt import PyJWKClient
from jwt.exceptions import PyJWTError

from ops.doctor.subject import LIVE_STAGES, Finding, Patient, ok, warn, wrong
from topup.api import auth
from topup.domain.errors import ConfigurationError
from topup.runtime import config

LOOPBACK = ("localhost", "127.0.0.1")
SHORT_KEY = 20  # characters: a key that can be remembered can be guessed


def check(patient: Patient) -> Iterator[Finding]:
    """Reads the settings that are in force."""
    yield _parsed("settings", config.settings, "every value parses", "see .env.example and template.yaml")
    yield _parsed("catalogue", config.catalogue, "every package is valid", "edit layers/topup/topup/catalogue.json")
    yield from _clear_text(patient)
    yield _key(patient)
    yield _api_keys(patient)
    yield _webhook_secrets(patient)
    yield from _tokens(patient)
    yield _origins(patient)


def _parsed(what: str, read: Callable[[], object], says: str, mend: str) -> Finding:
    try:
        read()
    except ConfigurationError as error:
        return wrong(what, error.detail, mend)
    return ok(what, says)


def _clear_text(patient: Patient) -> Iterator[Finding]:
    for name in patient.clear_text:
        mend = f"aws ssm delete-parameter --name {patient.prefix}/{name}; {patient.set_secret(name)}"
        yield wrong(f"secret {name}", "it is stored in clear text, not as a SecureString", mend)


def _key(patient: Patient) -> Finding:
    what = "Stripe key"
    try:
        is_live = config.is_livemode()
    except ConfigurationError as error:
        return wrong(what, error.detail, patient.set_secret("STRIPE_SECRET_KEY"))
    mend = patient.set_secret("STRIPE_SECRET_KEY")
    if is_live and patient.stage not in LIVE_STAGES:
        return wrong(what, f"a live key on stage {patient.stage!r}: tests would move real money", mend)
    if not is_live and patient.stage in LIVE_STAGES:
        return warn(what, f"a test key on stage {patient.stage!r}: test cards buy credits", mend)
    return ok(what, f"{'live' if is_live else 'test'} mode, stage {patient.stage}")


def _api_keys(patient: Patient) -> Finding:
    keys, mend = config.api_keys(), patient.set_secret("PROXY_API_KEY")
    if not keys:
        return wrong("X-API-Key", "PROXY_API_KEY is empty: nobody may buy or spend", mend)
    if not patient.is_local and any(len(key) < SHORT_KEY for key in keys):
        return warn("X-API-Key", f"a key has fewer than {SHORT_KEY} characters", mend)
    return ok("X-API-Key", f"{len(keys)} key{'s: a rotation is under way' if len(keys) > 1 else ''}")


def _webhook_secrets(patient: Patient) -> Finding:
    what = "webhook secret"
    mend = patient.set_secret("STRIPE_WEBHOOK_SECRET") if patient.is_local else patient.set_up_webhook()
    try:
        secrets = config.webhook_secrets()
    except ConfigurationError as error:
        return wrong(what, error.detail, mend)
    if not all(secret.startswith("whsec_") for secret in secrets):
        return wrong(what, "one is no signing secret of Stripe's (whsec_…): whoever knows it can grant credits", mend)
    if len(secrets) > 1:
        return warn(what, f"{len(secrets)} secrets: two endpoints, or a rotation", patient.set_up_webhook("FINISH=1"))
    return ok(what, "1 secret")


# --------------------------------------------------------------------------------------------------------- tokens


def _tokens(patient: Patient) -> Iterator[Finding]:
    try:
        settings = config.settings()
    except ConfigurationError:
        return  # said already
    if settings.jwks_url:
        yield _jwks(settings.jwks_url, patient)
    elif settings.jwt_public_key:
        yield _public_key(settings.jwt_public_key, patient)
    else:
        yield _parsed(
            "tokens", config.jwt_secret, "HS256, a secret of 32 bytes or more", patient.set_secret("JWT_SECRET")
        )
        return
    if not (settings.jwt_issuer and settings.jwt_audience):
        mend = patient.set_parameter("JwtIssuer=… JwtAudience", "JWT_ISSUER and JWT_AUDIENCE")
        yield warn("token claims", "iss or aud is not checked: tokens for other applications pass too", mend)


def _jwks(url: str, patient: Patient) -> Finding:
    mend = patient.set_parameter("JwtJwksUrl", "JWT_JWKS_URL")
    try:
        keys = PyJWKClient(url, timeout=auth.JWKS_TIMEOUT).get_jwk_set().keys
    except PyJWTError as error:
        return wrong("tokens", f"the keys at {url} cannot be fetched ({type(error).__name__})", mend)
    usable = [key for key in keys if key.algorithm_name in auth.PUBLIC_KEY_ALGORITHMS]
    if not usable:
        return wrong("tokens", f"{url} has no key for {', '.join(auth.PUBLIC_KEY_ALGORITHMS)}", mend)
    return ok("tokens", f"{len(usable)} usable key{'' if len(usable) == 1 else 's'} at {url}")


def _public_key(pem: str, patient: Patient) -> Finding:
    def parse() -> object:
        return auth._from_public_key(pem)  # noqa: SLF001 - what the functions do with it

    return _parsed("tokens", parse, "the public key is good", patient.set_parameter("JwtPublicKey", "JWT_PUBLIC_KEY"))


# -------------------------------------------------------------------------------------------------------- origins


def _origins(patient: Patient) -> Finding:
    what, mend = "FRONTEND_URL", patient.set_parameter("FrontendUrls", "FRONTEND_URL")
    try:
        origins, is_live = config.settings().frontend_origins, config.is_livemode()
    except ConfigurationError:
        return warn(what, "not checked, because of what is wrong above", mend)
    plain = [origin for origin in origins if not origin.startswith("https://")]
    elsewhere = [origin for origin in plain if urlsplit(origin).hostname not in LOOPBACK]
    if is_live and elsewhere:
        return wrong(what, f"{', '.join(elsewhere)}: with a live key pages must be https", mend)
    if is_live and plain:
        return warn(what, f"{', '.join(plain)}: a page on anybody's own machine may call", mend)
    return ok(what, ", ".join(origins))
