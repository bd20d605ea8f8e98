"""An AWS on loopback that keeps what SAM CLI sends: it takes uploads, and ends each change set without a change."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "aws-sam-cli-managed-default-1"  # of the stack in which `--resolve-s3` keeps its bucket
NO_CHANGE = "The submitted information didn't contain changes."


class RecordedAws:
    """What arrived. `parameters` are those of the deployed stack; without any there is no stack yet."""

    def __init__(self, parameters: dict[str, str] | None = None) -> None:
        self.parameters = parameters
        self.uploads: dict[str, bytes] = {}
        self.change_sets: list[dict[str, str]] = []
        self.regions: set[str] = set()

    def query(self, form: dict[str, str]) -> tuple[int, str]:
        """CloudFormation's answer to a request, as XML."""
        action, name = form["Action"], form.get("StackName", "")
        if action == "CreateChangeSet":
            self.change_sets.append(form)
            identity = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/one/1"
            return 200, _result(action, f"<Id>{identity}</Id><StackId>{name}</StackId>")
        if action == "DescribeChangeSet":
            return 200, _result(action, f"<Status>FAILED</Status><StatusReason>{NO_CHANGE}</StatusReason>")
        if action == "GetTemplateSummary" and self.parameters is not None:
            known = "".join(f"<member><ParameterKey>{key}</ParameterKey></member>" for key in self.parameters)
            return 200, _result(action, f"<Parameters>{known}</Parameters>")
        if action == "DescribeStacks" and name.startswith("aws-sam-cli-managed"):
            tag = "<member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member>"
            return 200, _stack(action, name, tags=tag, outputs=_output("SourceBucket", BUCKET))
        if action == "DescribeStacks" and self.parameters is not None:
            pairs = self.parameters.items()
            given = "".join(
                f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{escape(value)}</ParameterValue></member>"
                for key, value in pairs
            )
            return 200, _stack(action, name, parameters=given, outputs=_output("ApiUrl", "https://api.example"))
        return 400, _error(f"Stack with id {name} does not exist")

    def change_set(self) -> tuple[str, dict[str, str | None], dict[str, str]]:
        """The only change set: the stack's name, its parameters (None: as before), and its tags."""
        [form] = self.change_sets
        parameters = {
            key: form.get(f"{place}.ParameterValue") for place, key in _members(form, "Parameters", "ParameterKey")
        }
        tags = {key: form[f"{place}.Value"] for place, key in _members(form, "Tags", "Key")}
        return form["StackName"], parameters, tags


def _members(form: dict[str, str], name: str, key: str) -> Iterator[tuple[str, str]]:
    for field, value in form.items():
        if match := re.fullmatch(rf"({name}\.member\.[0-9]+)\.{key}", field):
            yield match[1], value


def _result(action: str, inner: str) -> str:
    return f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"


def _error(message: str) -> str:
    return f"<ErrorResponse><Error><Code>ValidationError</Code><Message>{message}</Message></Error></ErrorResponse>"


def _output(name: str, value: str) -> str:
    return f"<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"


def _stack(action: str, name: str, *, tags: str = "", parameters: str = "", outputs: str = "") -> str:
    inner = (
        f"<StackName>{name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
        "<CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        f"<Tags>{tags}</Tags><Parameters>{parameters}</Parameters><Outputs>{outputs}</Outputs>"
    )
    return _result(action, f"<Stacks><member>{inner}</member></Stacks>")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: ClassVar[RecordedAws]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: str = "", **headers: str) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self._answer(404)  # nothing has been uploaded before

    def do_PUT(self) -> None:
        address = urlsplit(self.path)
        part = parse_qs(address.query).get("partNumber", ["1"])[0].zfill(5)
        self.aws.uploads[f"{unquote(address.path)}#{part}"] = self._body()
        self._answer(200, ETag='"1"')

    def do_POST(self) -> None:
        body, query = self._body(), urlsplit(self.path).query
        if query.startswith("uploads"):
            self._answer(200, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        elif query.startswith("uploadId"):
            self._answer(200, "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")
        else:
            self.aws.regions.add(self.headers["Authorization"].split("/")[2])  # of the signature's scope
            form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            self._answer(*self.aws.query(form))

    def log_message(self, *_: Any) -> None:
        """No line for each request."""


@contextmanager
def serving(aws: RecordedAws) -> Iterator[dict[str, str]]:
    """The variables that lead every client of AWS there."""
    handler = type("Handler", (_Handler,), {"aws": aws})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
                "AWS_ACCESS_KEY_ID": "recorded",
                "AWS_SECRET_ACCESS_KEY": "recorded",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                # The built-in checksums of uploads would come as chunks.
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                "NO_PROXY": "127.0.0.1",
            }
        finally:
            server.shutdown()
            thread.join()
