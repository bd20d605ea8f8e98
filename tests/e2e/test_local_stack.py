"""`python -m local` as a developer uses it: it starts, responds, reloads edited code, reports problems and stops."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from local import ROOT
from local.client import Client, document, session_of
from local.launcher import STOP_TIMEOUT, Stack, StackFailedError, running
from local.settings import DEFAULT_PORTS
from tests.e2e.buyer import eventually
from tests.e2e.conftest import open_addresses
from tests.security.forging import signed
from tools.pictures import __main__ as pictures
from tools.pictures import cast


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30) as client:
        yield client


def user(stack: Stack, user_id: str = "user-1") -> dict[str, str]:
    return {"authorization": f"Bearer {stack.token(user_id)}"}


# ------------------------------------------------------------------------------------------------------ it responds


def test_the_catalogue_is_served_as_soon_as_the_stack_says_that_it_is_ready(stack: Stack, client: httpx.Client) -> None:
    response = client.get(f"{stack.api_url}/api/payments/packages")

    assert response.status_code == 200
    assert response.json()["packages"]["standard"]["credits"] == 1100


def test_the_printed_tokens_belong_to_a_user_and_an_administrator(stack: Stack, client: httpx.Client) -> None:
    for token, user_id in ((stack.user_token, "user-demo"), (stack.admin_token, "admin-demo")):
        response = client.get(f"{stack.api_url}/api/users/credits", headers={"authorization": f"Bearer {token}"})
        assert response.json()["user_id"] == user_id


def test_the_routes_are_the_templates(stack: Stack, client: httpx.Client) -> None:
    assert client.get(f"{stack.api_url}/api/users/credits", headers=user(stack)).status_code == 200
    assert client.get(f"{stack.api_url}/api/payments/unknown", headers=user(stack)).status_code == 404
    assert client.get(f"{stack.api_url}/elsewhere").json()["code"] == "no_such_address"


def test_the_storefront_may_call_the_api(stack: Stack, client: httpx.Client) -> None:
    headers = {"origin": stack.web_url, "access-control-request-method": "POST"}
    response = client.options(f"{stack.api_url}/api/payments/stripe/create", headers=headers)

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == stack.web_url
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_no_other_origin_may_call_the_api(stack: Stack, client: httpx.Client) -> None:
    response = client.get(f"{stack.api_url}/api/payments/packages", headers={"origin": "http://localhost:1"})

    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("address", "method", "path"),
    [
        ("api_url", "POST", "/_local/clock"),
        ("api_url", "POST", "/_local/reconcile"),
        ("api_url", "POST", "/api/payments/webhook/stripe"),
        ("webhook_url", "POST", "/"),
        ("stripe_url", "POST", "/_sim/reset"),
        ("web_url", "GET", "/config.json"),
        ("dynamodb_url", "OPTIONS", "/"),
        ("dynamodb_url", "POST", "/"),
    ],
)
@pytest.mark.parametrize("header", ["origin", "host"])
def test_a_foreign_page_reaches_nothing(  # whether it has another origin, or a name that was made to lead here
    stack: Stack, client: httpx.Client, address: str, method: str, path: str, header: str
) -> None:
    foreign = {"origin": "https://evil.example", "host": "evil.example"}[header]
    headers = {header: foreign, "content-type": "text/plain"}

    response = client.request(method, getattr(stack, address) + path, headers=headers, content=b"{}")

    assert (response.status_code, response.json()["code"]) == (403, "foreign_page")
    assert not {name for name in response.headers if name.startswith("access-control-")}


def test_the_storefront_and_the_simulator_respond(stack: Stack, client: httpx.Client) -> None:
    assert client.get(stack.web_url).status_code == 200
    assert client.get(stack.stripe_url).status_code == 200


def test_every_address_is_loopback_only(stack: Stack) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; it selects this machine's own address in the network
        own_address = probe.getsockname()[0]
    if own_address.startswith("127."):
        pytest.skip("this machine has no other address")
    for address in (stack.api_url, stack.webhook_url, stack.stripe_url, stack.web_url, stack.dynamodb_url):
        with socket.socket() as probe:
            assert probe.connect_ex((own_address, httpx.URL(address).port)) != 0, address


# ---------------------------------------------------------------------------------------------------- function URL


@pytest.mark.parametrize("path", ["/", "/any/path"])
def test_the_exact_bytes_reach_the_webhook_function_through_its_url(
    stack: Stack, client: httpx.Client, path: str
) -> None:
    event = {"id": "evt_1", "object": "event", "type": "plan.created", "livemode": False, "created": 1}
    body = json.dumps(
        {**event, "data": {"object": {"id": "p", "name": "体验包 é"}}}, indent=3, ensure_ascii=False
    ).encode()

    headers = {
        "stripe-signature": signed(body, stack.values["STRIPE_WEBHOOK_SECRET"]),
        "content-type": "application/json; charset=utf-8",
    }

    responses = [
        client.post(stack.webhook_url + path, content=body, headers=headers),
        client.post(f"{stack.api_url}/api/payments/webhook/stripe", content=body, headers=headers),
    ]
    tampered = client.post(stack.webhook_url + path, content=body + b" ", headers=headers)

    assert [(response.status_code, response.json()) for response in responses] == [(200, {"received": True})] * 2
    assert tampered.status_code == 400


# ----------------------------------------------------------------------------------------------------------- clock


def test_moving_the_clock_moves_the_handlers_and_the_simulator(client: httpx.Client) -> None:
    day = timedelta(days=1)
    with running() as stack:
        moving = Client(stack.api_url, stack.stripe_url, stack.values, client.request)
        moving.local.move_clock(day.total_seconds())
        payment = document(moving.api.create("user-1", "trial"))
        session = moving.stripe.read(f"/checkout/sessions/{session_of(payment)}")
        times = [
            moving.local.now(),
            datetime.fromisoformat(document(moving.api.payment(payment, "user-1"))["created_at"]),
            datetime.fromtimestamp(session["created"], UTC),
        ]

    tomorrow = datetime.now(UTC) + day
    assert all(abs(time - tomorrow) < timedelta(minutes=5) for time in times)


def test_a_wrong_step_of_the_clock_is_refused(stack: Stack, client: httpx.Client) -> None:
    response = client.post(f"{stack.api_url}/_local/clock", json={"advance_seconds": -1})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "advance_seconds"


# ---------------------------------------------------------------------------------------------------------- reload


def test_an_edit_is_served_without_a_restart_even_after_a_syntax_error(project: Path, client: httpx.Client) -> None:
    app = project / "functions" / "list_packages" / "app.py"
    original = app.read_text(encoding="utf-8")
    with running(project) as stack:
        address = f"{stack.api_url}/api/payments/packages"

        app.write_text("def handler(event, context): return {'edited': True}\n", encoding="utf-8")
        eventually(lambda: client.get(address).json() == {"edited": True})

        app.write_text("def handler(event, context\n", encoding="utf-8")
        eventually(lambda: client.get(address).status_code == 500)

        app.write_text(original, encoding="utf-8")
        eventually(lambda: "packages" in client.get(address).json())

        catalogue = project / "layers/topup/topup/catalogue.json"
        catalogue.write_text(catalogue.read_text(encoding="utf-8").replace("标准包", "别的包"), encoding="utf-8")
        eventually(lambda: "别的包" in client.get(address).text)


def test_handlers_log_to_the_log_file(project: Path, client: httpx.Client) -> None:
    with running(project) as stack:
        client.post(f"{stack.webhook_url}/", content=b"{}")
        eventually(lambda: "invalid_signature" in (project / "logs" / "app.log").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------ the real Stripe


def test_with_a_key_of_stripes_own_test_mode_there_is_no_simulator(project: Path, client: httpx.Client) -> None:
    with running(project, STRIPE_SECRET_KEY="sk_test_51notlocal") as stack:
        assert stack.stripe_url == ""
        assert client.get(f"{stack.api_url}/api/payments/packages").status_code == 200


# --------------------------------------------------------------------------------------------------------- it stops


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(number: signal.Signals) -> None:
    with running() as stack:
        stack.process.send_signal(number)

        assert stack.process.wait(STOP_TIMEOUT) == 0
        assert open_addresses(stack) == []


SLOW_START = """
import os, time
from local import cli
from local.aws import dynamodb
dynamodb.create_tables = lambda _: (print("creating the tables", flush=True), time.sleep(600))
os._exit(cli.main(["--no-dotenv"]))
"""


def test_a_slow_start_can_be_stopped() -> None:
    environment = {**os.environ, **dict.fromkeys(DEFAULT_PORTS, "0")}
    command = [sys.executable, "-c", SLOW_START]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "creating the tables\n"
        process.send_signal(signal.SIGINT)

        assert process.wait(STOP_TIMEOUT) == 0


def test_an_unfinished_request_does_not_delay_the_stop(client: httpx.Client) -> None:
    with running() as stack, socket.create_connection(("127.0.0.1", httpx.URL(stack.api_url).port)) as unfinished:
        unfinished.sendall(b"POST /api/payments/stripe/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        client.get(f"{stack.api_url}/api/payments/packages")  # both connections are open now
        stack.process.terminate()

        assert stack.process.wait(STOP_TIMEOUT) == 0
        assert open_addresses(stack) == []


def test_a_stack_that_is_killed_leaves_nothing_behind() -> None:
    with contextlib.suppress(StackFailedError), running() as stack:  # a killed stack cannot end cleanly
        stack.process.kill()
        stack.process.wait(STOP_TIMEOUT)
        eventually(lambda: open_addresses(stack) == [])


def test_a_stack_stops_when_the_process_that_started_it_ends() -> None:
    with running() as stack:
        assert stack.process.stdin is not None
        stack.process.stdin.close()

        assert stack.process.wait(STOP_TIMEOUT) == 0
        assert open_addresses(stack) == []


# ------------------------------------------------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"Nothing": "x"}, "template.yaml has no parameter Nothing"),
        ({"LogLevel": "LOUD"}, "Parameters.LogLevel: 'LOUD' is none of"),
        ({"LogLevel": 7}, "must be text"),
        ({"OrdersTableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/none"}, "there is no table none"),
    ],
)
def test_parameters_that_a_deployment_would_refuse_change_nothing(
    stack: Stack, client: httpx.Client, parameters: dict[str, object], problem: str
) -> None:
    refused = client.put(f"{stack.api_url}/_local/parameters", json=parameters)

    assert refused.status_code == 422
    assert problem in refused.json()["errors"][0]["message"]
    assert client.get(f"{stack.api_url}/api/payments/packages").status_code == 200


# ----------------------------------------------------------------------------------------------------------- roles


def test_the_claim_and_its_values_for_administrators_and_support_are_settings(client: httpx.Client) -> None:
    with running(ADMIN_CLAIM="group", ADMIN_VALUE="billing", SUPPORT_VALUE="helpdesk") as stack:
        api = Client(stack.api_url, stack.stripe_url, stack.values, client.request).api
        payment = document(api.create("user-1"))
        address = f"{stack.api_url}/api/payments/{payment['payment_id']}"

        def status(**claims: str) -> int:
            token = stack.token("employee", **claims)
            return client.get(address, headers={"authorization": f"Bearer {token}"}).status_code

        assert (status(group="billing"), status(group="helpdesk")) == (200, 200)
        assert (status(group="admin"), status(group="support"), status(role="support")) == (404, 404, 404)
        assert document(api.grant("user-1", 5, "A gift", "grant-1"), 201)["balance_after"] == 5
        refused = client.post(
            f"{stack.api_url}/api/admin/credits/grant",
            headers={"authorization": f"Bearer {stack.token('employee', group='helpdesk')}", "idempotency-key": "2"},
            json={"user_id": "user-1", "credits": 5, "reason": "A gift"},
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


# ------------------------------------------------------------------------------------------------------------ demo


def test_the_demo_succeeds() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.rstrip().endswith("Everything was as promised.")
    shown = cast.told(pictures.DEMO.read_text(encoding="utf-8"))
    assert set(shown) <= set(ended.stdout.splitlines()), "the README's picture shows another demo: run `make pictures`"


def test_the_demo_says_what_is_missing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "tools.demo", "--api", address],
            cwd=ROOT,
            env={**os.environ, "STRIPE_SECRET_KEY": "sk_test_local_simulator"},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    assert ended.returncode == 1
    assert "The demonstration failed: " in ended.stderr
    assert "Traceback" not in ended.stderr
