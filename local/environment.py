"""The handlers' environment: the template's variables, the secrets, and the local endpoint for all of AWS."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from local.aws import event_bus
from local.aws.intrinsics import REGION
from local.settings import DEFAULT_PORTS, OTHER_CATALOGUE, PARAMETERS, SECRETS, Settings

LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Addresses:
    """The URL of each part of the stack; `stripe` is None when Stripe's own test mode is used."""

    api: str
    webhook: str
    stripe: str | None
    web: str
    dynamodb: str


def with_addresses(settings: Settings, addresses: Addresses) -> Settings:
    """The settings once the ports are known: the storefront's origin is allowed, and API_BASE_URL is right."""
    values = dict(settings.values)
    origins = [origin.strip() for origin in values["FRONTEND_URL"].split(",")]
    if addresses.web not in origins:
        values["FRONTEND_URL"] = ",".join([addresses.web, *origins])
    if settings.ports["API_PORT"] != DEFAULT_PORTS["API_PORT"] and _is_local(values["API_BASE_URL"]):
        values["API_BASE_URL"] = addresses.api
    return replace(settings, values=values)


def _is_local(url: str) -> bool:
    """A public address, such as a tunnel's, stays as the developer set it."""
    return urlsplit(url).hostname in LOOPBACK


def parameters(settings: Settings) -> dict[str, str]:
    """The template's parameters. No SecretsPrefix: the secrets come from the environment."""
    values = settings.values
    given = {name: values[variable] for name, variable in PARAMETERS.items() if values.get(variable)}
    return given | {"SecretsPrefix": ""}


def for_handlers(template_variables: Mapping[str, str], settings: Settings, addresses: Addresses) -> dict[str, str]:
    secrets = {name: settings.values[name] for name in SECRETS}
    own = {
        "STRIPE_API_BASE": addresses.stripe or "",
        "API_BASE_URL": settings.values["API_BASE_URL"],
        OTHER_CATALOGUE: _catalogue(settings),
        "JWT_PUBLIC_KEY": "",  # one from the shell would replace JWT_SECRET
    }
    return {**template_variables, **secrets, **own, **_aws(addresses.dynamodb, addresses.api)}


def _catalogue(settings: Settings) -> str:
    file = settings.values.get(OTHER_CATALOGUE, "")
    return str(settings.root / file) if file else ""


def for_tools(template_variables: Mapping[str, str], dynamodb: str, api: str | None = None) -> dict[str, str]:
    """What another process needs to read and write the stack's tables, and to publish events; no secrets.

    api: where the event bus is; None = where DynamoDB is.
    """
    return {**template_variables, **_aws(dynamodb, api)}


def _aws(endpoint: str, api: str | None) -> dict[str, str]:
    """Every service is at a local endpoint, so that no request reaches AWS; the credentials are made up."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": f"{api}{event_bus.PATH}" if api else endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def isolate(environ: MutableMapping[str, str]) -> None:
    """Remove the AWS settings of the developer's shell, and send no local request through a proxy."""
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        environ[name] = ",".join(filter(None, [environ.get(name), *LOOPBACK]))
