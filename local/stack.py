"""Puts the local stack together, in the order in which one part needs another, and takes it apart again."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing, redirect_stderr, redirect_stdout
from http import HTTPStatus

import httpx
from starlette.types import ASGIApp

from local import companions, dynamodb, environment, function_url, gateway, servers, tokens
from local.banner import Access
from local.clock import Clock
from local.dynamodb import Emulator
from local.environment import Addresses
from local.function_url import FunctionUrl
from local.functions import Functions
from local.gateway import Gateway
from local.loader import Loader
from local.logs import Console, HandlerLog, Switchboard
from local.project import Project, Runtime
from local.servers import Claim
from local.settings import Settings
from local.template import Template

READY_PATH = "/api/payments/packages"
# What answers at the port that a variable sets, as access lines and messages call it.
SERVICES = {"API_PORT": "api", "WEBHOOK_PORT": "webhook", "STRIPE_PORT": "stripe", "WEB_PORT": "storefront"}


class NotReadyError(Exception):
    """Everything has started, but the API does not answer as it should."""


async def run(settings: Settings, console: Console, announce: Callable[[Access, float], None]) -> None:
    """Runs until it is cancelled; `announce` is called once everything answers, with the seconds that this took.

    Raises PortInUseError, DynamoDBError, TemplateError or NotReadyError when it cannot start.
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
        apps = _apps(settings, access, runtime)
        await stack.enter_async_context(servers.serving([(claims[name], app) for name, app in apps.items()], console))
        await _check_api(claims["API_PORT"])
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
    project = Project(settings.root, environment.parameters(settings), loader, log.console)
    functions = Functions(settings.root, loader, log)
    environment.isolate(os.environ)
    set_environment(project.template())
    await asyncio.to_thread(functions.preload, project.template().functions)
    await asyncio.to_thread(dynamodb.wait, emulator)
    await asyncio.to_thread(project.use, apply)
    return Runtime(project, functions, Clock(), log.console)


def _access(settings: Settings, addresses: Addresses, clock: Clock) -> Access:
    values = settings.values
    return Access(
        addresses=addresses,
        user_token=tokens.mint(values, "user-demo", clock.now()),
        admin_token=tokens.mint_admin(values, "admin-demo", clock.now()),
        api_key=values["PROXY_API_KEY"].split(",")[0].strip(),
    )


def _apps(settings: Settings, access: Access, runtime: Runtime) -> dict[str, ASGIApp]:
    apps: dict[str, ASGIApp] = {
        "API_PORT": gateway.create_app(Gateway(runtime), runtime.clock),
        "WEBHOOK_PORT": function_url.create_app(FunctionUrl(runtime)),
        "WEB_PORT": companions.storefront(access),
    }
    addresses = access.addresses
    if addresses.stripe:
        apps["STRIPE_PORT"] = companions.simulator(settings, addresses.stripe, addresses.webhook, runtime.clock)
    return apps


async def _check_api(api: Claim) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{api.port}{READY_PATH}")
    if answer.status_code != HTTPStatus.OK:
        raise NotReadyError(f"GET {READY_PATH} answers {answer.status_code}: {answer.text} (see logs/app.log)")
