"""Start the parts of the local stack in the order in which they need each other, and stop them."""

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
from local.aws.changes import Changes
from local.aws.dynamodb import Emulator
from local.aws.event_bus import EventBus
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
from local.faults import FaultyApi
from local.logs import Console, HandlerLog, RoutedOutput
from local.own_pages import OwnPages
from local.servers import Port, PortInUseError
from local.settings import PARAMETERS, Settings, SettingsError
from local.storefront import app as storefront_app
from local.storefront.app import StorefrontConfig
from local.stripe_simulator import Simulator
from local.stripe_simulator import app as simulator_app

T = TypeVar("T")

LOG = "logs/app.log"
FAILURES = ".cache/local/expiry-failures"  # stands for the bucket of the on-failure destination
READY_PATH = "/api/payments/packages"
# The service at the port that a variable sets, by its name in access lines and messages.
SERVICES = {"API_PORT": "api", "WEBHOOK_PORT": "webhook", "STRIPE_PORT": "stripe", "WEB_PORT": "storefront"}


class NotReadyError(Exception):
    """Everything has started, but the API does not work."""


async def run(
    settings: Settings, console: Console, announce: Callable[[Access, float], None], *, discoverable: bool = False
) -> None:
    """Run until cancelled; `announce` is called once everything works, with the seconds that the start took.

    discoverable: tools that run in this checkout find this stack.

    Raises PortInUseError, DynamoDBError, LogError, SettingsError, TemplateError or NotReadyError if it cannot start.
    """
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        ports = _reserve_ports(settings, stack)
        emulator = stack.enter_context(dynamodb.start())
        addresses = _addresses(ports, emulator)
        settings = environment.with_addresses(settings, addresses)
        log = _open_log(settings, console, stack)
        runtime = await _runtime(settings, addresses, emulator, log, stack)
        access = _access(settings, addresses, runtime.clock)
        reaper = await stack.enter_async_context(Reaper(runtime, settings.written(FAILURES)))
        await stack.enter_async_context(Changes(runtime, settings.written(FAILURES)))
        apps = _apps(settings, access, runtime, reaper)
        guarded = [(ports[name], app) for name, app in apps.items()]
        await stack.enter_async_context(servers.serving(guarded, _own_pages(settings, addresses), console))
        await _check_api(ports["API_PORT"], log)
        if discoverable:
            runtime.project.use(
                stack.enter_context(discovery.discoverable(settings.written(discovery.NOTES), addresses))
            )
        announce(access, time.monotonic() - began)
        await asyncio.Event().wait()


def _reserve_ports(settings: Settings, stack: AsyncExitStack) -> dict[str, Port]:
    """All ports; raises one PortInUseError for all that are in use."""
    ports: dict[str, Port] = {}
    refused: list[PortInUseError] = []
    for variable, service in SERVICES.items():
        if variable == "STRIPE_PORT" and not settings.simulated:
            continue
        try:
            ports[variable] = servers.reserve(service, settings.ports[variable], variable, settings.listen)
        except PortInUseError as error:
            refused.append(error)
        else:
            stack.callback(ports[variable].socket.close)
    if refused:
        problems = [problem for error in refused for problem in error.problems]
        raise PortInUseError(problems, [variable for error in refused for variable in error.variables])
    return ports


def _addresses(ports: dict[str, Port], emulator: Emulator) -> Addresses:
    simulator = ports.get("STRIPE_PORT")
    return Addresses(
        api=ports["API_PORT"].url,
        webhook=ports["WEBHOOK_PORT"].url,
        stripe=simulator.url if simulator else None,
        web=ports["WEB_PORT"].url,
        dynamodb=emulator.url,
    )


def _own_pages(settings: Settings, addresses: Addresses) -> OwnPages:
    pages = [origin.strip() for origin in settings.values["FRONTEND_URL"].split(",")]
    own = [address for address in (addresses.api, addresses.webhook, addresses.stripe, addresses.web) if address]
    return OwnPages.of([*pages, *own], settings.values["API_BASE_URL"])


def _open_log(settings: Settings, console: Console, stack: AsyncExitStack) -> HandlerLog:
    log = stack.enter_context(closing(HandlerLog(settings.written(LOG), console)))
    stack.enter_context(redirect_stdout(RoutedOutput(sys.stdout, log)))
    stack.enter_context(redirect_stderr(RoutedOutput(sys.stderr, log)))
    return log


async def _runtime(
    settings: Settings, addresses: Addresses, emulator: Emulator, log: HandlerLog, stack: AsyncExitStack
) -> Runtime:
    """The handlers with their environment and tables. Their code is imported while the emulator starts."""

    def set_environment(template: Template) -> None:
        os.environ.update(environment.for_handlers(template.environment, settings, addresses))

    def apply(template: Template) -> None:
        dynamodb.create_tables(template.tables)
        set_environment(template)

    clock = Clock()
    loader = stack.enter_context(closing(Loader(settings.root, clock.now)))
    project = _project(settings, loader, log.console)
    functions = Functions(settings.root, loader, log)
    environment.isolate(os.environ)
    set_environment(project.template())
    await _in_a_thread(functions.preload, project.template().functions)
    await _in_a_thread(dynamodb.wait, emulator)
    await _in_a_thread(project.use, apply)
    return Runtime(project, functions, clock, log.console)


async def _in_a_thread(work: Callable[[T], None], argument: T) -> None:
    """Not asyncio.to_thread: Ctrl-C would wait for work that retries requests to an emulator that has stopped."""
    await anyio.to_thread.run_sync(work, argument, abandon_on_cancel=True)


def _project(settings: Settings, loader: Loader, console: Console) -> Project:
    try:
        return Project(settings.root, environment.parameters(settings), loader, console)
    except ParameterError as error:  # by the name that the developer knows
        raise SettingsError(f"{PARAMETERS.get(error.parameter, error.parameter)}: {error.problem}") from error


def _access(settings: Settings, addresses: Addresses, clock: Clock) -> Access:
    values = settings.values
    return Access(
        addresses=addresses,
        user_token=tokens.mint(values, "user-demo", clock.now()),
        admin_token=tokens.mint_admin(values, "admin-demo", clock.now()),
        api_key=tokens.service_key(values),
        log=str(settings.written(LOG)) if settings.state else LOG,
    )


def _apps(settings: Settings, access: Access, runtime: Runtime, reaper: Reaper) -> dict[str, ASGIApp]:
    api = FaultyApi(Gateway(runtime))
    controls = [*Controls(runtime, reaper).routes(), *EventBus().routes(), *api.routes()]
    apps: dict[str, ASGIApp] = {
        "API_PORT": gateway.create_app(api, runtime.clock, controls),
        "WEBHOOK_PORT": function_url.create_app(FunctionUrl(runtime)),
        "WEB_PORT": _storefront(access, runtime.clock),
    }
    addresses = access.addresses
    if addresses.stripe:
        apps["STRIPE_PORT"] = _simulator(settings, addresses.stripe, addresses.webhook, runtime.clock)
    return apps


def _simulator(settings: Settings, url: str, webhook_url: str, clock: Clock) -> ASGIApp:
    """Stripe at `url`, which sends its events to `webhook_url`."""
    values = settings.values
    webhook_secret = values["STRIPE_WEBHOOK_SECRET"].split(",")[0].strip()
    return simulator_app.create_app(
        Simulator(
            url,
            now=clock.now,
            rng=random.Random(),  # noqa: S311 - ids need not be hard to guess
            secret_key=values["STRIPE_SECRET_KEY"],
            webhooks=[(f"{webhook_url}/", webhook_secret)],
        )
    )


def _storefront(access: Access, clock: Clock) -> ASGIApp:
    return storefront_app.create_app(
        StorefrontConfig(
            api_url=access.addresses.api,
            user_token=access.user_token,
            admin_token=access.admin_token,
            api_key=access.api_key,
            simulator_url=access.addresses.stripe,
            now=clock.now,
        )
    )


async def _check_api(api: Port, log: HandlerLog) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        response = await client.get(f"http://127.0.0.1:{api.number}{READY_PATH}")
    if response.status_code != HTTPStatus.OK:
        reason = log.last_problem or response.text
        raise NotReadyError(f"GET {READY_PATH} answers {response.status_code}: {reason} (see logs/app.log)")
