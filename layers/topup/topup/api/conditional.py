"""Conditional requests (RFC 9110, 13): a document that the caller has already is not sent again."""

import zlib
from dataclasses import replace
from http import HTTPStatus

from topup.api.endpoint import Request, Response, encode


def unless_known(request: Request, response: Response) -> Response:
    """The response with its ETag; without its document where If-None-Match says that the caller has it."""
    assert response.document is not None
    tag = _tag(encode(response.document))
    headers = {**response.headers, "etag": tag}
    if _is_known(tag, request.headers.get("if-none-match", "")):
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    return replace(response, headers=headers)


def _tag(text: str) -> str:
    """Of the content, so every instance of the function has the same. A checksum will do, and costs no import."""
    content = text.encode()
    return f'"{len(content):x}-{zlib.crc32(content):08x}"'


def _is_known(tag: str, known: str) -> bool:
    """Compared weakly, as RFC 9110, 13.1.2 says; no tag of ours has a comma in it."""
    tags = [one.strip().removeprefix("W/") for one in known.split(",")]
    return tag in tags or tags == ["*"]
