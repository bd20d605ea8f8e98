"""A Lambda function URL: a port whose requests, of any method and path, go to one function."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from local.aws import http_events
from local.aws.functions import FunctionError, PayloadTooLargeError
from local.aws.intrinsics import REGION
from local.aws.project import Runtime
from local.aws.template import TemplateError

URL_ID = "localstackfunctionurl0"
CONTEXT = {
    "accountId": "anonymous",  # AuthType NONE: the caller has no AWS account
    "apiId": URL_ID,
    "domainName": f"{URL_ID}.lambda-url.{REGION}.on.aws",
    "domainPrefix": URL_ID,
}


class FunctionUrl:
    """Serves the function that a resource AWS::Lambda::Url names."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._respond(Request(scope, receive)))(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            function = next(
                (function for function in self._runtime.project.template().functions if function.has_url), None
            )
            if function is None:
                return PlainTextResponse("Not Found", HTTPStatus.NOT_FOUND)
            incoming = await http_events.read_request(request)
            result = await self._runtime.functions.invoke(function, self._event(incoming))
            return http_events.to_response(result, default_content_type="application/json").to_starlette()
        except (http_events.RequestTooLargeError, PayloadTooLargeError):
            return PlainTextResponse("Request Entity Too Large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except http_events.MalformedResultError as error:
            self._runtime.console.line(f"  function URL: {error}")
            return _failed()
        except (FunctionError, TemplateError):  # the console shows the reason
            return _failed()

    def _event(self, request: http_events.IncomingRequest) -> dict[str, object]:
        """The body is always base64: handlers forget that form more easily than text."""
        return http_events.event(
            request,
            self._runtime.clock.now(),
            route_key="$default",
            raw_path=request.path,
            context=CONTEXT,
            as_text=False,
        )


def create_app(function_url: FunctionUrl) -> Starlette:
    app = Starlette()
    app.router.default = function_url  # not a route: its pattern would not match a path with an escaped line break
    return app


def _failed() -> Response:
    """Lambda's response when the function failed."""
    return PlainTextResponse("Internal Server Error", HTTPStatus.BAD_GATEWAY)
