"""Token responses that are forms and not JSON."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from clients import client_of
from wire_servers import Answer, Server

from requests_ticktick import Service, TokenEndpointError
from requests_ticktick._grant.body import parameters_of

FORM = "application/x-www-form-urlencoded"

TOKEN = {
    "access_token": "a+b/c=",
    "token_type": "bearer",
    "expires_in": "15551999",
    "scope": "tasks:write tasks:read",
    "refresh_token": "r&s",
}


@pytest.fixture
def endpoint():
    with Server("token") as server:
        yield server


@pytest.fixture
def auth(sandbox, endpoint):
    there = sandbox.service
    service = Service(
        there.authorization_endpoint, f"{endpoint.url}/t", there.api_origins
    )
    return client_of(sandbox, service=service)


def answer(body, content_type=FORM, status=200):
    body = body if isinstance(body, bytes) else body.encode()
    return Answer(status, {"Content-Type": content_type}, body)


@pytest.mark.parametrize(
    "content_type", [FORM, f"{FORM}; charset=UTF-8", f" {FORM.upper()} ;q=1"]
)
@pytest.mark.parametrize("around", ["{}", "{}&", "{}\r\n", "\n{}&&"])
def test_a_form_is_read_as_rfc_6749_names_its_parameters(
    auth, endpoint, secrets, content_type, around
):
    """Some servers, and the brokers that are made for them, send one."""
    secrets.add(TOKEN["access_token"], TOKEN["refresh_token"])
    endpoint.answers.append(answer(around.format(urlencode(TOKEN)), content_type))

    token = auth.token()

    assert token.access_token == "a+b/c="
    assert token.refresh_token == "r&s"
    assert token.scopes == {"tasks:read", "tasks:write"}
    assert token.lifetime == 15551999


def test_json_is_read_whatever_it_is_called(auth, endpoint):
    """A server may send JSON as a form."""
    endpoint.answers.append(answer('{"access_token": "a"}'))

    assert auth.token().access_token == "a"


def test_a_form_with_another_content_type_is_not_read(auth, endpoint):
    """Text of unknown kind is not searched for a token."""
    endpoint.answers.append(answer(urlencode(TOKEN), "text/plain"))

    with pytest.raises(TokenEndpointError, match="not a JSON object"):
        auth.token()


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_may_be_a_form(auth, endpoint, status):
    """Its description is quoted as one from JSON is."""
    body = urlencode({"error": "invalid_grant", "error_description": "Too late."})
    endpoint.answers.append(answer(body, status=status))

    with pytest.raises(TokenEndpointError, match="Too late") as caught:
        auth.token()

    assert caught.value.error == "invalid_grant"
    assert caught.value.description == "Too late."


def test_an_error_that_quotes_a_token_is_withheld(auth, endpoint, secrets):
    """The tokens of a form are secrets, too."""
    secrets.add("tok-3n-of-theirs")
    body = urlencode(
        {
            "error": "x",
            "access_token": "tok-3n-of-theirs",
            "error_description": "It is tok-3n-of-theirs",
        }
    )
    endpoint.answers.append(answer(body))

    with pytest.raises(TokenEndpointError, match="withheld"):
        auth.token()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "access_token=",
        "access_token=a&access_token=b",  # RFC 6749 3.2
        "access_token=a&expires_in=1&expires_in=2",
        b"access_token=\xff\xfe\xff",
        "&".join(f"n{number}=1" for number in range(60)),
        "<html>access_token=a</html>",
        "token=a",
    ],
)
def test_a_form_without_a_token_is_an_error(auth, endpoint, body):
    """It is never half read."""
    endpoint.answers.append(answer(body))

    with pytest.raises(TokenEndpointError, match=r"no valid token|not a JSON object"):
        auth.token()


def test_a_body_without_a_content_type_is_no_form():
    """A response of a mock may have none."""
    assert parameters_of(b"access_token=a", {}) is None
