"""What an error says of a bad answer, and what it withholds."""

from __future__ import annotations

import base64
import html
import json
import time
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
import requests
from leaks import Everything, told_by
from raw_server import RawServer, answer
from token_endpoints import CODE, GOOD, SECRET, client_at, refusal_of

from requests_ticktick import FileStore, MemoryStore, Service, Token, TokenEndpointError
from requests_ticktick._source.failures import Failure, shareable


def json_refusal(status=400, /, *, headers=None, **fields):
    return refusal_of(json.dumps(fields).encode(), status=status, **(headers or {}))


# -- what is said of an answer -------------------------------------------------------


PAGE = (
    b"<!DOCTYPE html>\n<html><head><TITLE lang=en>\n One\n moment &amp; no more</TITLE>"
)


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500, 503])
def test_a_web_page_is_named_by_its_title(status):
    """It says nothing about the client's credentials."""
    error = refusal_of(PAGE, status=status)

    assert 'web page ("One moment & no more")' in str(error)
    assert "proxy or firewall" in str(error)
    assert "client_secret" not in str(error)
    assert (error.status_code, error.error, error.description) == (status, None, None)


def test_a_web_page_may_have_no_title():
    """And any content type."""
    error = refusal_of(b"  <script>go()</script>", Content_Type="application/json")

    assert "a web page, probably" in str(error)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(b"<h1>504 Gateway Time-out</h1>", id="a piece of one"),
        pytest.param(b"<BODY>Blocked", id="capitals"),
        pytest.param(b"<!--" + b"-" * 9000 + b"--><TITLE>Late", id="a long comment"),
        pytest.param("<p>\u7f51\u5173\u9519\u8bef".encode("gbk"), id="GBK"),
        pytest.param("<html><p>Blocked".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<HTML xmlns=''>", id="IIS"),
        pytest.param(
            b"<meta http-equiv=refresh content='0;url=/login'>", id="a portal"
        ),
    ],
)
def test_a_web_page_of_any_kind_is_recognised(page):
    """By its media type, or by what is near its start."""
    kind = "text/html; charset=utf-8"

    assert "a web page" in str(refusal_of(page, status=502, Content_Type=kind))


@pytest.mark.parametrize("text", [b"", b"Bad gateway", b"upstream: 1 > 0"])
def test_a_text_is_not_called_a_web_page(text):
    """Gateways label short texts, and nothing at all, as HTML."""
    error = refusal_of(text, status=502, Content_Type="text/html")

    assert "a body that is not a JSON object" in str(error)


def test_ticktick_s_401_page_is_explained_as_wrong_credentials():
    """Its web server sends that page."""
    page = "<html><title>HTTP Status 401 \u2013 Unauthorized</title></html>".encode()

    error = refusal_of(page, status=401)

    assert "HTTP Status 401 \u2013 Unauthorized" in str(error)
    assert "Compare client_id and client_secret" in str(error)
    assert "firewall" not in str(error)


def test_ticktick_s_pages_are_explained():
    """The redirect URI is the most frequent problem."""
    page = b"<html><p>Invalid redirect: a does not match one of the registered values"

    assert "equal letter for letter" in str(refusal_of(page))


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.hotel.example/?next=x", "a redirect to login.hotel.example"),
        ("/relative", "not a JSON object"),
        ("https://[", "not a JSON object"),
        ("https://a_b/", "not a JSON object"),
    ],
)
def test_a_redirect_is_reported_with_its_host(location, said):
    """It shows a hotel's login page, for instance."""
    error = refusal_of(b"", status=302, Location=location)

    assert said in str(error)
    assert "Redirects are not followed" in str(error)


@pytest.mark.parametrize(
    ("fields", "error", "description"),
    [
        (
            {"errorCode": "unknown_exception", "errorMessage": "Oh"},
            "unknown_exception",
            "Oh",
        ),
        ({"errorCode": 1001, "errorMessage": "Oh"}, "1001", "Oh"),
        ({"message": "bad verifier", "code": 400}, None, "bad verifier"),
        ({"error": {"code": 400, "message": "bad verifier"}}, None, "bad verifier"),
        ({"error": {"code": "c", "message": "m"}}, "c", "m"),
        ({"errors": [{"code": "c", "detail": "m"}]}, "c", "m"),
        ({"errors": ["c"], "msg": "m"}, None, "m"),
        ({"error": True, "error_description": ["x"]}, None, None),
        ({"error": "e", "errorCode": "c", "error_description": "d"}, "e", "d"),
        ({"error": "", "errorCode": None}, None, None),
    ],
)
def test_an_error_is_quoted(fields, error, description):
    """In the fields of RFC 6749, of TickTick, and other common ones."""
    caught = json_refusal(400, **fields)

    assert (caught.error, caught.description) == (error, description)
    assert all(word in str(caught) for word in (error, description) if word)


@pytest.mark.parametrize("encoding", ["latin-1", "gbk", "utf-16", "utf-8-sig"])
def test_an_error_is_read_in_any_encoding(encoding):
    """A code is ASCII. It decides whether a person is asked to sign on again."""
    body = '{"error": "invalid_grant", "error_description": "\u00d7"}'

    assert refusal_of(body.encode(encoding)).error == "invalid_grant"


def test_an_error_with_status_200_is_an_error():
    """In TickTick's fields as well as RFC 6749's."""
    fields = {"access_token": "x", "token_type": "bearer", "errorCode": "oops"}

    assert json_refusal(200, **fields).error == "oops"


def test_an_empty_error_field_is_ignored():
    """Some servers always send all fields."""
    fields = {**json.loads(GOOD), "error": None, "errorCode": None, "message": "ok"}
    with RawServer(lambda *_: answer(200, json.dumps(fields).encode())) as server:
        assert client_at(server.url()).token().access_token == "a-new-token"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_ticktick_s_rate_limit_is_recognised_with_any_status(status):
    """``exceed_query_limit`` ends after a minute."""
    error = json_refusal(status, errorCode="exceed_query_limit")

    assert error.error == "exceed_query_limit"
    assert "Wait a minute" in str(error)


# -- Retry-After ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "seconds", "told"),
    [
        (429, "120", 120.0, "120 seconds"),
        (503, " 7 ", 7.0, "7 seconds"),
        (500, "1.5", 1.5, "2 seconds"),
        (429, "0", 0.0, "a minute"),
        (429, "9" * 20, 3600.0, "3600 seconds"),
        (429, "9" * 999, 3600.0, "3600 seconds"),
        (429, "120, 120", 120.0, "120 seconds"),
        (429, "120;", 120.0, "120 seconds"),
        (429, "2030-01-01T00:00:00Z", None, "a minute"),
        (429, "1e3", None, "a minute"),
        (429, "-5", None, "a minute"),
        (429, "soon", None, "a minute"),
        (429, "٣", None, "a minute"),
        (429, "", None, "a minute"),
        (429, formatdate(0, usegmt=True), 0.0, "a minute"),
        (429, formatdate(4e9, usegmt=True), 3600.0, "3600 seconds"),
        (429, "Mon, 99 Foo 2026 00:00:00 GMT", None, "a minute"),
        (400, "120", None, "token_endpoint"),
    ],
)
def test_retry_after_is_reported(status, said, seconds, told):
    """As seconds or as a date; at most an hour."""
    headers = {"Retry_After": said.encode().decode("latin-1")}
    if not said.isascii():
        error = refusal_of(b"{}", status=status, X="y")
    else:
        error = refusal_of(b"{}", status=status, **headers)

    assert error.retry_after == seconds
    assert told in str(error)


def test_a_retry_after_date_counts_from_this_clock():
    """The server's clock is unknown."""
    error = refusal_of(
        b"{}", status=503, Retry_After=formatdate(time.time() + 100, usegmt=True)
    )

    assert 90 < error.retry_after <= 101


def test_retry_after_reaches_waiting_processes():
    """They get the same error."""
    error = TokenEndpointError("Slow.", status_code=429, retry_after=7.5)

    assert shareable(error).retry_after == 7.5
    assert TokenEndpointError("x").retry_after is None
    assert Failure  # what carries it


# -- what is repeated ----------------------------------------------------------------


def percent(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


#: Ways to write a secret that a server, or a firewall before it, may have.
SPELLINGS = {
    "as it is": lambda s: s,
    "in a sentence": lambda s: f"Secret '{s}' is wrong.",
    "percent": lambda s: quote(s, safe=""),
    "percent, small": lambda s: quote(s, safe="").lower(),
    "percent, all": percent,
    "percent, twice": lambda s: quote(quote(s, safe=""), safe=""),
    "percent, four times": lambda s: quote(quote(percent(quote(s, safe=""))), safe=""),
    "percent, without end": lambda s: percent(s[:14]).replace("%", f"%{'25' * 8}"),
    "a form": lambda s: urlencode({"client_secret": s}),
    "plus": lambda s: quote_plus(s),
    "HTML": html.escape,
    "HTML numbers": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "HTML in hex": lambda s: "".join(f"&#X{ord(c):X};" for c in s),
    "HTML of percent": lambda s: html.escape(html.escape(quote(s))),
    "JSON": lambda s: json.dumps(s),
    "JSON, twice": lambda s: json.dumps(json.dumps(s)),
    "escapes": lambda s: "".join(f"\\u{ord(c):04X}" for c in s),
    "escapes in hex": lambda s: "".join(f"\\x{ord(c):02x}" for c in s),
    "old escapes": lambda s: "".join(f"%u{ord(c):04x}" for c in s),
    "repr": repr,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64, safe": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64, no end": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 of more": lambda s: base64.b64encode(f"x={s}&y".encode()).decode(),
    "base64 of still more": lambda s: base64.b64encode(f"xy={s}".encode()).decode(),
    "base64 in lines": lambda s: base64.encodebytes(f"{s * 4}".encode()).decode(),
    "base64 of a form": lambda s: base64.b64encode(
        urlencode({"a": s}).encode()
    ).decode(),
    "hex": lambda s: s.encode().hex(),
    "hex, large": lambda s: s.encode().hex().upper(),
    "hex, separated": lambda s: s.encode().hex(":"),
    "hex, by bytes": lambda s: " ".join(f"0x{byte:02X}" for byte in s.encode()),
    "hex of UTF-16": lambda s: s.encode("utf-16-le").hex(),
    "hex of UTF-16, the other": lambda s: s.encode("utf-16-be").hex(),
    "base64 of UTF-16": lambda s: base64.b64encode(s.encode("utf-16-le")).decode(),
    "base32": lambda s: base64.b32encode(f"x={s}".encode()).decode(),
    "bytes": lambda s: json.dumps({"type": "Buffer", "data": list(s.encode())}),
    "numbers": lambda s: " ".join(str(ord(c)) for c in s),
    "octal": lambda s: "".join(f"\\{ord(c):03o}" for c in s),
    "braces": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s),
    "quoted-printable": lambda s: "".join(f"={ord(c):02X}" for c in s),
    "commas": lambda s: ", ".join(s),
    "dots": lambda s: ".".join(s),
    "wide": lambda s: "".join(chr(ord(c) + 0xFEE0) for c in s),
    "accents": lambda s: "\u0301".join(s),
    "the other case": str.swapcase,
    "lines": lambda s: f"{s[:4]}\r\n{s[4:]}",
    "spaces": lambda s: " ".join(s),
    "nothing visible": lambda s: "\u200b".join(s),
    "large": str.upper,
    "cut off": lambda s: f"{s[:-1]}...",
    "cut off before": lambda s: f"...{s[1:]}",
}


#: What is in play, at this endpoint.
SENT = {
    "the secret": SECRET,
    "the code": CODE,
    "the header": base64.b64encode(f"my-client:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("whose", SENT)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_quoted_secret_is_withheld_in_any_encoding(tmp_path, whose, spelling):
    """The exception, its notes and the logs do not show it."""
    said = SPELLINGS[spelling](SENT[whose])
    bodies = [
        json.dumps({"error": said}).encode(),
        json.dumps({"errorMessage": said}).encode(),
        f"<html><title>{said}</title>".encode(),
    ]
    answers = iter([answer(400, body) for body in bodies])
    store = FileStore(tmp_path / "token.json")

    with RawServer(lambda *_: next(answers)) as server, Everything() as logged:
        for _ in bodies:
            with pytest.raises(TokenEndpointError) as caught:
                client_at(server.url(), store=store).token()

            error = caught.value
            assert "withheld" in str(error)
            note = Path(f"{store.path}.lock-info").read_text()
            for told in (str(error), f"{vars(error)}", note, "\n".join(logged.lines)):
                assert said not in told
                assert SENT[whose] not in told


@pytest.mark.parametrize("kind", ["code_verifier", "refresh_token", "access_token"])
def test_quoted_tokens_and_verifiers_are_withheld(tmp_path, kind):
    """The refresh token and verifier sent, and the token received."""

    def repeat(_, request):
        form = dict(
            part.split("=", 1)
            for part in request.partition(b"\r\n\r\n")[2].decode().split("&")
        )
        secret = form.get(kind, "the-new-token-itself")
        said.append(secret)
        fields = {"errorMessage": f"Cannot take {secret}", "error": "invalid_request"}
        return answer(
            400, json.dumps({**fields, "data": {"accessToken": secret}}).encode()
        )

    said = []
    with RawServer(repeat) as server:
        url = server.url()
        service = Service(f"{url}/a", f"{url}/token", url, code_challenge_method="S256")
        store = MemoryStore()
        if kind == "refresh_token":
            store.save(
                Token("x", expires_at=1.0, refresh_token="the-old-refresh-token")
            )
        with pytest.raises(TokenEndpointError) as caught:
            client_at(url, service=service, store=store).token()

    assert said
    assert said[0] not in told_by(caught.value)
    assert caught.value.error == "invalid_request"
    assert "withheld" in caught.value.description


def test_a_known_error_code_is_shown_beside_a_withheld_text():
    """With its advice."""
    error = json_refusal(
        401,
        error="invalid_client",
        error_description=f"Bad client credentials {SECRET}",
    )

    assert error.error == "invalid_client"
    assert "Compare client_id and client_secret" in str(error)


def test_a_redirect_host_with_a_secret_is_not_shown():
    """A redirect may contain anything."""
    error = refusal_of(b"", status=302, Location=f"https://{CODE}.evil.example/")

    assert CODE.lower() not in str(error).lower()


def test_a_malformed_header_line_is_not_logged():
    """urllib3 warns of it and quotes it."""
    said = answer(400, b"{}").replace(b"Connection", f"It was {SECRET}\r\nC".encode())
    with RawServer(lambda *_: said) as server, Everything() as logged:
        with pytest.raises(TokenEndpointError):
            client_at(server.url()).token()
        lines = "\n".join(logged.lines)
        assert "urllib3.connectionpool" in logged.names
        assert "It was" not in lines

        requests.get(server.url("/elsewhere"), timeout=10)  # which is the user's own

    assert "It was" in "\n".join(logged.lines)


@pytest.mark.parametrize(
    ("secret", "said", "is_withheld"),
    [
        ("s", "It is a wrong secret", False),
        ("s", "Cannot take s.", True),
        ("abc", "The abcissa", False),
        ("abc", "secret=abc", True),
        ("!!", "Cannot take !!", True),
        ("abcd", "xabcdx", True),
        ("abcd", "YWJjZA==", True),
        ("abcd", "invalid_grant", False),
        ("+-+-+-+-", "It is +-+-+-+- that is wrong", True),
        ("client-secret", "Unknown client", False),
    ],
)
def test_a_short_secret_is_searched_for_as_a_word(secret, said, is_withheld):
    """Any three letters are part of some other word."""
    body = json.dumps({"error": "x", "error_description": said}).encode()
    with RawServer(lambda *_: answer(400, body)) as server:
        auth = client_at(server.url(), secret)
        with pytest.raises(TokenEndpointError) as caught:
            auth.token()

    assert ("withheld" in str(caught.value)) is is_withheld
    assert (said in str(caught.value)) is not is_withheld


def test_a_servers_text_is_one_short_line():
    """Without control characters, line breaks or pages of text."""
    error = json_refusal(400, error_description="a\x1b[31m\r\n\u202eb" + "z" * 9999)

    assert error.description.startswith("a [31m b")
    assert len(str(error)) < 500
    assert str(error).isprintable()
