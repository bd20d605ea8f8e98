"""The local stack's settings: from the process environment, else .env, else .env.example."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values

THIS_MACHINE = "127.0.0.1"
DEFAULT_PORTS = {"API_PORT": 8000, "WEBHOOK_PORT": 8001, "STRIPE_PORT": 12111, "WEB_PORT": 3000}
SECRETS = ("JWT_SECRET", "PROXY_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
REQUIRED = (*SECRETS, "API_BASE_URL", "FRONTEND_URL")
# Template parameters, which a developer sets by the name of the variable that they become. Not SecretsPrefix: the local
# stack takes secrets from the environment, never from AWS.
PARAMETERS = {
    "FrontendUrls": "FRONTEND_URL",
    "JwtIssuer": "JWT_ISSUER",
    "JwtAudience": "JWT_AUDIENCE",
    "AdminClaim": "ADMIN_CLAIM",
    "AdminClaimIsList": "ADMIN_CLAIM_IS_LIST",
    "AdminValue": "ADMIN_VALUE",
    "SupportValue": "SUPPORT_VALUE",
    "ConsoleClientId": "CONSOLE_CLIENT_ID",
    "ConsoleScopes": "CONSOLE_SCOPES",
    "ConsoleAudience": "CONSOLE_AUDIENCE",
    "ConsoleOrigins": "CONSOLE_ORIGINS",
    "CreditsExpireAfterMonths": "CREDITS_EXPIRE_AFTER_MONTHS",
    "RefundFraudWarnings": "REFUND_FRAUD_WARNINGS",
    "LowBalanceThreshold": "LOW_BALANCE_THRESHOLD",
    "LogLevel": "LOG_LEVEL",
    "Chaos": "TOPUP_CHAOS",
}
# As in the functions. Of STRIPE_WEBHOOK_SECRET and PROXY_API_KEY there may be none: then nobody is let in.
CHECKED_SECRETS: dict[str, Callable[[str], object]] = {
    "JWT_SECRET": secret_values.jwt_secrets,
    "PROXY_API_KEY": secret_values.api_keys,
    "STRIPE_WEBHOOK_SECRET": lambda text: secret_values.listed(text) and secret_values.webhook_secrets(text),
}
OTHER_CATALOGUE = "CATALOGUE_FILE"  # instead of the layer's own; relative to the project
KNOWN = {*DEFAULT_PORTS, *REQUIRED, *PARAMETERS.values(), OTHER_CATALOGUE}

ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]+")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")
QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>.*)(?P=quote)\s*(?:#.*)?""")


class SettingsError(Exception):
    """The stack cannot start with this setting; the message says which one and what to do."""


@dataclass(frozen=True)
class Settings:
    """Values by name; a port of 0 means any free port."""

    root: Path
    values: Mapping[str, str]
    ports: Mapping[str, int]
    unused: tuple[str, ...] = ()  # set in .env but not read here: misspelt, or for another program
    state: Path | None = None  # the folder that the stack writes to; None is the project
    listen: str = THIS_MACHINE  # the address at which its servers listen

    @property
    def simulated(self) -> bool:
        """True if Stripe is the simulator, not Stripe's own test mode."""
        return self.values["STRIPE_SECRET_KEY"].startswith("sk_test_local")

    def written(self, path: str) -> Path:
        """Where the stack writes what is called `path`."""
        return (self.state or self.root) / path


def load(root: Path, environ: Mapping[str, str], *, dotenv: bool = True) -> Settings:
    """`dotenv=False` ignores the developer's .env. Raises SettingsError."""
    example, own = _file(root / ".env.example"), _file(root / ".env") if dotenv else {}
    values = example | own
    values |= {name: environ[name] for name in KNOWN | values.keys() if name in environ}
    ports = {name: _port(name, values.get(name, str(default))) for name, default in DEFAULT_PORTS.items()}
    _check(values)
    return Settings(root, values, ports, unused=tuple(sorted(own.keys() - KNOWN - example.keys())))


def _file(path: Path) -> dict[str, str]:
    return parse(path) if path.exists() else {}


def parse(path: Path) -> dict[str, str]:
    """Read NAME=value lines. Raises SettingsError for any other line, without its text, which may be a secret."""
    values: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name} is not UTF-8 text") from error
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = ASSIGNMENT.fullmatch(line)
        if match is None:
            raise SettingsError(f"{path.name}, line {number}: expected NAME=value")
        if match["name"] in values:
            raise SettingsError(f"{path.name}, line {number}: {match['name']} is set twice")
        values[match["name"]] = _unquote(match["value"], f"{path.name}, line {number}")
    return values


def _unquote(text: str, place: str) -> str:
    if text[:1] in ("'", '"'):
        match = QUOTED.fullmatch(text)
        if match is None:
            raise SettingsError(f"{place}: the quote is not closed")
        return match["text"]
    return re.sub(r"(^|\s)#.*", "", text).strip()


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise SettingsError(f"{name} must be a port number from 0 (any free port) to 65535")
    return int(text)


def _check(values: Mapping[str, str]) -> None:
    missing = [name for name in REQUIRED if not values.get(name)]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)} (see .env.example)")
    key = values["STRIPE_SECRET_KEY"]
    if key.startswith(("sk_live_", "rk_live_")):
        raise SettingsError("STRIPE_SECRET_KEY is a live key: the local stack never touches real money")
    if not TEST_KEY.fullmatch(key):
        raise SettingsError("STRIPE_SECRET_KEY must be a test key (sk_test_…, in full)")
    for name, check in CHECKED_SECRETS.items():
        try:
            check(values[name])
        except ConfigurationError as error:
            raise SettingsError(error.detail) from None
    for origin in values["FRONTEND_URL"].split(","):
        if not ORIGIN.fullmatch(origin.strip()):
            raise SettingsError(f"FRONTEND_URL: {origin.strip()!r} must be scheme://host[:port], without a path")
