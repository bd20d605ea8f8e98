"""Check the settings and secrets: are they present, safe, and consistent?"""

from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ops.doctor.subject import Finding, Subject, ok, warn, wrong
from ops.stages import LIVE_STAGES
from topup.api import provider_keys, token_keys
from topup.domain.errors import ConfigurationError
from topup.runtime import chaos, config
from topup.runtime.start import CHAOS

LOOPBACK = ("localhost", "127.0.0.1")


def check(subject: Subject) -> Iterator[Finding]:
    """Checks the settings of the environment."""
    yield _parsed("settings", config.settings, "every value parses", "see .env.example and template.yaml")
    yield _parsed("catalogue", config.catalogue, "every package is valid", "edit layers/topup/topup/catalogue.json")
    yield from _clear_text(subject)
    yield _key(subject)
    yield _api_keys(subject)
    yield _webhook_secrets(subject)
    yield from _tokens(subject)
    yield _origins(subject)
    yield from _faults(subject)


def _faults(subject: Subject) -> Iterator[Finding]:
    """A drill's faults, which stay until somebody deploys without them."""
    if not (faults := subject.environment.get(CHAOS)):
        return
    fix = subject.deploy('SET="Chaos="') if not subject.is_local else f"unset {CHAOS}"
    says = f"{faults}: requests fail on purpose, for a drill"
    try:
        chaos.refuse_stage(subject.stage, subject.stack)
        is_live = config.is_livemode()
    except ConfigurationError as error:
        yield wrong("faults", error.detail, fix)
        return
    yield wrong("faults", f"{says}, with a live key", fix) if is_live else warn("faults", says, fix)


def _parsed(what: str, read: Callable[[], object], says: str, fix: str) -> Finding:
    try:
        read()
    except ConfigurationError as error:
        return wrong(what, error.detail, fix)
    return ok(what, says)


def _clear_text(subject: Subject) -> Iterator[Finding]:
    for name in subject.clear_text:
        says = "it is stored in clear text, not as a SecureString, and may have been read"
        yield wrong(f"secret {name}", says, subject.set_secret(name))
    for name in subject.wrong_key:
        says = "it is not encrypted with the stack's KMS key: the functions may not read it"
        yield wrong(f"secret {name}", says, subject.secrets())


def _key(subject: Subject) -> Finding:
    what = "Stripe key"
    try:
        is_live = config.is_livemode()
    except ConfigurationError as error:
        return wrong(what, error.detail, subject.set_secret("STRIPE_SECRET_KEY"))
    fix = subject.set_secret("STRIPE_SECRET_KEY")
    if is_live and subject.stage not in LIVE_STAGES:
        return wrong(what, f"a live key on stage {subject.stage!r}: tests would move real money", fix)
    if not is_live and subject.stage in LIVE_STAGES:
        return warn(what, f"a test key on stage {subject.stage!r}: test cards buy credits", fix)
    return ok(what, f"{'live' if is_live else 'test'} mode, stage {subject.stage}")


def _api_keys(subject: Subject) -> Finding:
    fix = subject.set_secret("PROXY_API_KEY")
    try:
        keys = config.api_keys()
    except ConfigurationError as error:
        return wrong("X-API-Key", error.detail, fix)
    if not keys:
        return wrong("X-API-Key", "PROXY_API_KEY is empty: no one may buy or spend", fix)
    count = Counter(key.name for key in keys)
    rotated = [name for name, number in count.items() if number > 1]
    more = f"; a rotation is under way: {', '.join(rotated)}" if rotated else ""
    return ok("X-API-Key", f"{len(keys)} key{'s' if len(keys) > 1 else ''}: {', '.join(count)}{more}")


def _webhook_secrets(subject: Subject) -> Finding:
    what = "webhook secret"
    fix = subject.set_secret("STRIPE_WEBHOOK_SECRET") if subject.is_local else subject.set_up_webhook()
    try:
        secrets = config.webhook_secrets()
    except ConfigurationError as error:
        return wrong(what, error.detail, fix)
    if len(secrets) > 1:
        return warn(what, f"{len(secrets)} secrets: two endpoints, or a rotation", subject.set_up_webhook("FINISH=1"))
    return ok(what, "1 secret")


# --------------------------------------------------------------------------------------------------------- tokens


def _tokens(subject: Subject) -> Iterator[Finding]:
    try:
        settings = config.settings()
    except ConfigurationError:
        return  # reported already
    if settings.jwks_url:
        yield _jwks(settings.jwks_url, subject)
    elif settings.jwt_public_key:
        yield _public_key(settings.jwt_public_key, subject)
    else:
        yield _parsed(
            "tokens", config.jwt_secrets, "HS256, a secret of 32 bytes or more", subject.set_secret("JWT_SECRET")
        )
        return
    if not (settings.jwt_issuer and settings.jwt_audiences):
        fix = subject.set_parameter("JwtIssuer", "JwtAudience", variables="JWT_ISSUER and JWT_AUDIENCE")
        yield warn("token claims", "iss or aud is not checked: tokens for other applications pass too", fix)


def _jwks(url: str, subject: Subject) -> Finding:
    fix = subject.set_parameter("JwtJwksUrl", variables="JWT_JWKS_URL")
    try:
        usable = provider_keys.fetch(url)
    except Exception as error:  # whatever it is, the functions would meet it too
        return wrong("tokens", f"there are no keys at {url} ({provider_keys.in_words(error)})", fix)
    return ok("tokens", f"{len(usable)} usable key{'' if len(usable) == 1 else 's'} at {url}")


def _public_key(pem: str, subject: Subject) -> Finding:
    def parse() -> object:
        return token_keys.public_key(pem)

    return _parsed(
        "tokens", parse, "the public key is good", subject.set_parameter("JwtPublicKey", variables="JWT_PUBLIC_KEY")
    )


# -------------------------------------------------------------------------------------------------------- origins


def _origins(subject: Subject) -> Finding:
    what, fix = "FRONTEND_URL", subject.set_parameter("FrontendUrls", variables="FRONTEND_URL")
    try:
        origins, is_live = config.settings().frontend_origins, config.is_livemode()
    except ConfigurationError:
        return warn(what, "not checked, because of the problems above", fix)
    plain = [origin for origin in origins if not origin.startswith("https://")]
    elsewhere = [origin for origin in plain if urlsplit(origin).hostname not in LOOPBACK]
    if is_live and elsewhere:
        return wrong(what, f"{', '.join(elsewhere)}: with a live key pages must be https", fix)
    if is_live and plain:
        return warn(what, f"{', '.join(plain)}: a page on any user's own machine may call the API", fix)
    return ok(what, ", ".join(origins))
