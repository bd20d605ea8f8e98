"""What no route of the API takes, and HEAD, which goes where GET does."""

import pytest

from local.aws.routing import find_route
from local.in_process.api import Api, as_user, template

EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATHS = sorted({route.path.replace("{payment_id}", "abc") for route in template().routes if route.path != "$default"})
NO_PATHS = ("/", "/api", "/api/payments/", "/api/payments/a/b", "/API/payments", "//api/payments", "/elsewhere", "")


def is_routed(method: str, path: str) -> bool:
    """Whether a route of its own takes this, as API Gateway finds routes."""
    match = find_route(template().routes, method, path)
    return match is not None and match.route.path != "$default"


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_an_address_does_not_have_is_refused_with_those_that_it_has(api: Api, path: str):
    routed = {method for method in EVERY_METHOD if is_routed(method, path)}
    assert routed
    for method in set(EVERY_METHOD) - routed - {"OPTIONS"}:
        response = api.request(method, path)
        assert (response.status, response.json()["code"]) == (405, "method_not_allowed")
        assert set(response.headers["allow"].split(", ")) == routed | {"OPTIONS"}


@pytest.mark.parametrize("path", PATHS)
def test_options_asks_for_the_methods_of_an_address(api: Api, path: str):
    response = api.request("OPTIONS", path)

    assert (response.status, response.body) == (204, "")
    assert set(response.headers["allow"].split(", ")) == {m for m in EVERY_METHOD if is_routed(m, path)} | {"OPTIONS"}


@pytest.mark.parametrize("path", NO_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_an_address_without_a_route_is_not_found(api: Api, method: str, path: str):
    response = api.request(method, f"{path}?limit=1", as_user())

    assert (response.status, response.json()["code"]) == (404, "no_such_address")
    assert "allow" not in response.headers


@pytest.mark.parametrize("path", [*PATHS, "/elsewhere"])
def test_a_preflight_that_reaches_us_passes_and_the_gateway_says_what_a_page_may(api: Api, path: str):
    headers = {"origin": "https://shop.example", "access-control-request-method": "POST"}

    assert api.request("OPTIONS", path, headers).status == 204


def test_every_route_that_can_be_read_can_be_asked_for_its_headers():
    keys = {route.key for route in template().routes}
    readable = {key.removeprefix("GET ") for key in keys if key.startswith("GET ")}

    assert readable
    assert {key.removeprefix("HEAD ") for key in keys if key.startswith("HEAD ")} == readable


def test_head_answers_what_get_answers(api: Api):
    """The body is the gateway's to leave out."""
    for path, headers in (("/api/payments/packages", {}), ("/api/users/credits", as_user()), ("/api/payments", {})):
        got, asked = api.get(path, headers), api.request("HEAD", path, headers)
        assert asked.status == got.status
        assert asked.headers.keys() == got.headers.keys()
