"""Puts the local stack together, in the order in which one part needs another, and takes it apart again."""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing, redirect_stderr, redirect_stdout
from http import HTTPStatus
from typing import TypeVar

import anyio.to_thread
import httpx
from starlette.types import ASGIApp

from local import discovery, environment, servers, tokens
from local.aws import dynamodb, function_url, gateway
from local.aws.dynamodb import Emulator
from local.aws.function_url import FunctionUrl
from local.aws.functions import Functions
from local.aws.gateway import Gateway
from local.aws.intrinsics import ParameterError
from local.aws.loader import Loader
from local.aws.project import Project, Runtime
from local.aws.template import Template
from local.aws.ttl import Reaper
from local.banner import Access
from local.clock import Clock
from local.controls import Controls
from local.environment import Addresses
from local.logs import Console, HandlerLog, Switchboard
from local.servers import Claim
from local.settings import PARAMETERS, Settings, SettingsError
from local.storefront import app as storefront_app
from local.storefront.app import StorefrontConfig
from local.stripe_simulator import Simulator
from local.stripe_simulator import app as simulator_app

T = TypeVar("T")

EXPIRY_FAILURES = ".cache/local/expiry-failures"  # where the on-failure destination's documents go
READY_PATH = "/api/payments/packages"
# What answers at the port that a variable sets, as access lines and messages call it.
SERVICES = {"API_PORT": "api", "WEBHOOK_PORT": "webhook", "STRIPE_PORT": "stripe", "WEB_PORT": "storefront"}


class NotReadyError(Exception):
    """Everything has started, but the API does not answer as it should."""


async def run(
    settings: Settings, console: Console, announce: Callable[[Access, float], None], *, noted: bool = False
) -> None:
    """Runs until it is cancelled; `announce` is called once everything answers, with the seconds that this took.

    noted: whether tools that are run in this checkout shall find this stack.

    Raises PortInUseError, DynamoDBError, LogError, SettingsError, TemplateError or NotReadyError: it cannot start.
    """
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        claims = _claim_ports(settings, stack)
        emulator = stack.enter_context(dynamodb.start())
        addresses = _addresses(claims, emulator)
        settings = environment.with_addresses(settings, addresses)
        log = _open_log(settings, console, stack)
        runtime = await _runtime(settings, addresses, emulator, log, stack)
        access = _access(settings, addresses, runtime.clock)
        reaper = await stack.enter_async_context(Reaper(runtime, settings.root / EXPIRY_FAILURES))
        apps = _apps(settings, access, runtime, reaper)
        await stack.enter_async_context(servers.serving([(claims[name], app) for name, app in apps.items()], console))
        await _check_api(claims["API_PORT"], log)
        if noted:
            stack.enter_context(discovery.noted(settings.root, addresses, runtime.project.template()))
        announce(access, time.monotonic() - began)
        await asyncio.Event().wait()


def _claim_ports(settings: Settings, stack: AsyncExitStack) -> dict[str, Claim]:
    claims = {}
    for variable, service in SERVICES.items():
        if variable == "STRIPE_PORT" and not settings.simulated:
            continue
        claims[variable] = servers.claim(service, settings.ports[variable], variable)
        stack.callback(claims[variable].socket.close)
    return claims


def _addresses(claims: dict[str, Claim], emulator: Emulator) -> Addresses:
    simulator = claims.get("STRIPE_PORT")
    return Addresses(
        api=claims["API_PORT"].url,
        webhook=claims["WEBHOOK_PORT"].url,
        stripe=simulator.url if simulator else None,
        web=claims["WEB_PORT"].url,
        dynamodb=emulator.url,
    )


def _open_log(settings: Settings, console: Console, stack: AsyncExitStack) -> HandlerLog:
    log = stack.enter_context(closing(HandlerLog(settings.root / "logs" / "app.log", console)))
    stack.enter_context(redirect_stdout(Switchboard(sys.stdout, log)))
    stack.enter_context(redirect_stderr(Switchboard(sys.stderr, log)))
    return log


async def _runtime(
    settings: Settings, addresses: Addresses, emulator: Emulator, log: HandlerLog, stack: AsyncExitStack
) -> Runtime:
    """The handlers, with their environment and tables. They are imported while the emulator starts."""

    def set_environment(template: Template) -> None:
        os.environ.update(environment.for_handlers(template.environment, settings, addresses))

    def apply(template: Template) -> None:
        set_environment(template)
        dynamodb.create_tables(template.tables)

    loader = stack.enter_context(closing(Loader(settings.root)))
    project = _project(settings, loader, log.console)
    functions = Functions(settings.root, loader, log)
    environment.isolate(os.environ)
    set_environment(project.template())
    await _in_a_thread(functions.preload, project.template().functions)
    await _in_a_thread(dynamodb.wait, emulator)
    await _in_a_thread(project.use, apply)
    return Runtime(project, functions, Clock(), log.console)


async def _in_a_thread(work: Callable[[T], None], argument: T) -> None:
    """Not asyncio's own threads: a Ctrl-C would wait for work that retries against an emulator which is gone."""
    await anyio.to_thread.run_sync(work, argument, abandon_on_cancel=True)


def _project(settings: Settings, loader: Loader, console: Console) -> Project:
    try:
        return Project(settings.root, environment.parameters(settings), loader, console)
    except ParameterError as error:  # named as the developer knows it
        raise SettingsError(f"{PARAMETERS.get(error.parameter, error.parameter)}: {error.problem}") from error


def _access(settings: Settings, addresses: Addresses, clock: Clock) -> Access:
    values = settings.values
    return Access(
        addresses=addresses,
        user_token=tokens.mint(values, "user-demo", clock.now()),
        admin_token=tokens.mint_admin(values, "admin-demo", clock.now()),
        api_key=values["PROXY_API_KEY"].split(",")[0].strip(),
    )


def _apps(settings: Settings, access: Access, runtime: Runtime, reaper: Reaper) -> dict[str, ASGIApp]:
    controls = Controls(runtime, reaper).routes()
    apps: dict[str, ASGIApp] = {
        "API_PORT": gateway.create_app(Gateway(runtime), runtime.clock, controls),
        "WEBHOOK_PORT": function_url.create_app(FunctionUrl(runtime)),
        "WEB_PORT": _storefront(access),
    }
    addresses = access.addresses
    if addresses.stripe:
        apps["STRIPE_PORT"] = _simulator(settings, addresses.stripe, addresses.webhook, runtime.clock)
    return apps


def _simulator(settings: Settings, url: str, webhook_url: str, clock: Clock) -> ASGIApp:
    """Stripe at `url`, which tells `webhook_url` of everything that happens."""
    values = settings.values
    webhook_secret = values["STRIPE_WEBHOOK_SECRET"].split(",")[0].strip()
    return simulator_app.create_app(
        Simulator(
            url,
            now=clock.now,
            rng=random.Random(),  # noqa: S311 - ids that nobody has to guess
            secret_key=values["STRIPE_SECRET_KEY"],
            webhooks=[(f"{webhook_url}/", webhook_secret)],
        )
    )


def _storefront(access: Access) -> ASGIApp:
    return storefront_app.create_app(
        StorefrontConfig(
            api_url=access.addresses.api,
            user_token=access.user_token,
            admin_token=access.admin_token,
            api_key=access.api_key,
            simulator_url=access.addresses.stripe,
        )
    )


async def _check_api(api: Claim, log: HandlerLog) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{api.port}{READY_PATH}")
    if answer.status_code != HTTPStatus.OK:
        reason = log.last_trouble or answer.text
        raise NotReadyError(f"GET {READY_PATH} answers {answer.status_code}: {reason} (see logs/app.log)")
