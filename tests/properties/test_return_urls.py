"""Return URLs, read as a browser reads them: none leads to a host that is not listed."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.domain import return_urls
from topup.domain.errors import ValidationFailed

ORIGINS = ("https://good.example", "http://localhost:3000")
SPECIAL = {"http": "80", "https": "443"}

# Browsers remove these: tabs and newlines anywhere, the others at both ends (WHATWG URL Standard, "basic URL parser").
TABS_AND_NEWLINES = str.maketrans("", "", "\t\r\n")
C0_AND_SPACE = "".join(map(chr, range(0x21)))


def origin_in_a_browser(url: str) -> str | None:
    """The origin that a browser would go to; None if it would stay on the page's own, or not use HTTP."""
    scheme, colon, rest = url.strip(C0_AND_SPACE).translate(TABS_AND_NEWLINES).partition(":")
    if not colon or scheme.lower() not in SPECIAL:
        return None
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    host_and_port = authority.rpartition("@")[2]
    host, _, port = host_and_port.partition(":")
    default = SPECIAL[scheme.lower()]
    shown = f":{port.lstrip('0')}" if port and port.lstrip("0") != default else ""
    return f"{scheme.lower()}://{unquote(host).lower()}{shown}"


SCHEMES = ["https:", "http:", "HTTPS:", "javascript:", ":443", ":3000", ":80", "0", "user:pass@"]
HOSTS = ["good.example", "evil.example", ".evil.example", "localhost", "[::1]", "127.1", "①.example", "GOOD.example"]
MARKS = ["//", "/", "\\", "///", "@", ":", "?", "#", "&", "=", ".", "..", ";", "|", "^", "`", "<", '"', "x", "é"]
HIDDEN = ["%2e", "%40", "%5c", "%00", "%09", "\t", "\r\n", "\x00", " ", "\u3002", "\uff0f", "\u2028", "\u00ad"]
OUTCOMES = ["?payment_id=forged", "&status=success", "#status=success"]
PIECES = st.sampled_from([*ORIGINS, *SCHEMES, *HOSTS, *MARKS, *HIDDEN, *OUTCOMES])
TRICKS = st.one_of(
    st.lists(PIECES, max_size=7).map("".join),
    st.builds("".join, st.tuples(st.sampled_from(ORIGINS), st.lists(PIECES, max_size=5).map("".join))),
    st.text(max_size=40),
)


@examples(1000)
@given(TRICKS)
@example("https://good.example\\@evil.example")
@example("https:good.example@evil.example")
@example("https://good.example:443@evil.example")
@example("https://good.example\t.evil.example/")
@example("https://good.example.")
@example("https://GOOD.example/")
def test_every_accepted_url_leads_to_a_listed_origin(url: str):
    try:
        address = return_urls.with_outcome(return_urls.checked(url, ORIGINS), "p-1", "success")
    except ValidationFailed:
        return

    assert origin_in_a_browser(url) in ORIGINS
    assert origin_in_a_browser(address) in ORIGINS
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" in ORIGINS
    assert not set(C0_AND_SPACE + "\\") & set(address)


@examples(300)
@given(st.sampled_from(ORIGINS), st.sampled_from(["", "/", "?", "#"]), st.data())
def test_every_page_of_a_listed_origin_is_accepted(origin: str, begins: str, data: st.DataObject):
    visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\")
    url = origin + begins + (data.draw(st.text(visible, max_size=30), label="rest") if begins else "")

    assert return_urls.checked(url, ORIGINS) == url


QUERIES = st.text("ab=&?;%E4+{}é/", max_size=12)


@examples(200)
@given(st.sampled_from(["", "/", "/back"]), st.none() | QUERIES, st.none() | st.text("abc/?#&", max_size=5))
def test_the_outcome_ends_the_query_and_the_rest_stays_as_it_was(path: str, query: str | None, fragment: str | None):
    given_query = "" if query is None else f"?{query}"
    given_fragment = "" if fragment is None else f"#{fragment}"

    address = return_urls.with_outcome(f"https://good.example{path}{given_query}{given_fragment}", "p-1", "success")

    assert address.startswith(f"https://good.example{path}{given_query}")
    assert address.endswith(given_fragment)
    read = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert read == [*parse_qsl(query or "", keep_blank_values=True), ("payment_id", "p-1"), ("status", "success")]


@examples(50)
@given(st.sampled_from(ORIGINS), st.text("abcdefghijklmnopqrstuvwxyz0123456789.-@:", min_size=1, max_size=12))
def test_an_address_that_only_begins_like_a_listed_origin_is_refused(origin: str, more: str):
    with pytest.raises(ValidationFailed, match="return_url"):
        return_urls.checked(origin + more, ORIGINS)
