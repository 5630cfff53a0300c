"""What of the user's session applies to a token request, and what does not."""

from __future__ import annotations

import base64
import contextvars

import pytest
import requests
from raw_server import RawServer, answer
from requests.adapters import HTTPAdapter
from token_endpoints import GOOD, SECRET, client_at

from requests_ticktick import Service, TokenEndpointError


def test_a_sessions_hooks_auth_and_cookies_do_not_apply():
    """They are for other requests."""
    called = []
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.hooks["response"] = called.append
        own.auth = ("somebody", "else")
        own.params = {"key": "of-another-request"}
        own.cookies.set("session", "of-the-user", domain="127.0.0.1")
        own.headers = {
            "authorization": "Bearer of-the-user",
            "Cookie": "a=of-the-user",
            "Accept-Encoding": "gzip, br",
            "content-type": "application/json",
            "User-Agent": "the-users-program/1",
            "CF-Access-Client-Id": "kept",
        }
        own.max_redirects = 0
        own.stream = True

        token = client_at(server.url(), session=own).token()

        (sent,) = server.requests
    assert token.access_token == "a-new-token"
    assert called == []
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert b"of-the-user" not in sent
    assert b"of-another-request" not in sent
    assert head.lower().count(b"authorization: basic ") == 1
    assert head.lower().count(b"accept-encoding: identity") == 1
    assert b"application/x-www-form-urlencoded" in head
    assert b"application/json" in head.split(b"Accept: ")[1]
    assert b"the-users-program/1" in head
    assert b"CF-Access-Client-Id: kept" in head
    assert b"grant_type=authorization_code" in body
    assert own.cookies.get_dict() == {"session": "of-the-user"}


def test_a_sessions_authorization_is_not_sent_for_a_public_client():
    """A public client sends no such header at all."""
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.headers["Authorization"] = "Bearer of-the-user"
        url = server.url()
        service = Service(
            f"{url}/a", f"{url}/token", url, token_endpoint_auth_method="none"
        )

        assert client_at(url, service=service, session=own).token()

        assert b"uthorization:" not in server.requests[0]


def raises(response, *args, **kwargs):
    response.raise_for_status()


def waits(response, *args, **kwargs):
    raise AssertionError("it was called")


@pytest.mark.parametrize("hook", [raises, waits])
def test_an_error_is_reported_whatever_the_sessions_hooks_do(hook):
    """Many tutorials use ``raise_for_status`` as a hook."""
    said = answer(400, b'{"error": "invalid_grant"}')
    with RawServer(lambda *_: said) as server, requests.Session() as own:
        own.hooks["response"] = [hook]
        with pytest.raises(TokenEndpointError) as caught:
            client_at(server.url(), session=own).token()

    assert (caught.value.status_code, caught.value.error) == (400, "invalid_grant")


def test_a_cookie_of_the_token_endpoint_is_discarded():
    """The session that sent the request does not keep it."""
    said = answer(200, GOOD, Set_Cookie="tracked=yes")
    with RawServer(lambda *_: said) as server, requests.Session() as own:
        assert client_at(server.url(), session=own).token()

        assert not own.cookies


def test_a_netrc_entry_is_not_used_for_the_token_endpoint(monkeypatch, tmp_path):
    """It would replace the client's credentials."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login some password body")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        assert client_at(server.url(), session=own).token()

        pair = base64.b64encode(f"my-client:{SECRET}".encode())
        assert b"Basic " + pair in server.requests[0]


def test_an_adapter_sees_the_callers_context():
    """It may need the context variables of the current request."""
    whose = contextvars.ContextVar("whose")
    seen = []

    class Looks(HTTPAdapter):
        def send(self, *args, **kwargs):
            seen.append(whose.get())
            return super().send(*args, **kwargs)

    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.mount("http://", Looks())
        whose.set("this caller's")
        assert client_at(server.url(), session=own).token()

    assert seen == ["this caller's"]


def test_an_adapter_may_answer_without_a_connection():
    """Its response may read from any file object."""

    class Canned(HTTPAdapter):
        def send(self, request, **kwargs):
            import io

            response = requests.Response()
            response.status_code, response.raw = 200, io.BytesIO(GOOD)
            response.request, response.url = request, request.url
            return response

    with requests.Session() as own:
        own.mount("http://", Canned())
        auth = client_at("http://127.0.0.1:9", session=own)

        assert auth.token().access_token == "a-new-token"
