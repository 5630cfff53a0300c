"""Which service has answered (RFC 9207)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from clients import client_of
from people import a_request

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    AuthorizationDeniedError,
    AuthorizationRequest,
    Service,
    StateMismatchError,
)

ISSUER = "https://as.test/tick?x"


def with_issuer(sandbox, issuer=ISSUER):
    there = sandbox.service
    return Service(
        there.authorization_endpoint,
        there.token_endpoint,
        there.api_origins,
        issuer=issuer,
    )


@pytest.mark.parametrize(
    "answer", ["", f"&iss={quote(ISSUER, safe='')}", "&iss=https%3A//as.test/tick%3Fx"]
)
def test_the_services_own_issuer_and_none_pass(sandbox, answer):
    """However it is escaped. Few services send one."""
    auth = client_of(sandbox, service=with_issuer(sandbox))
    request = auth.begin_sign_on()

    assert auth.complete_sign_on(request, sandbox.sign_on(request) + answer)


@pytest.mark.parametrize(
    "answer",
    [
        "&iss=https://evil.test",
        "&iss=",
        "&iss=https://as.test/tick",
        "&iss=https://AS.test/tick%3Fx",
        "&iss=https://as.test/tick%3Fx/",
        # A parameter must not occur twice (RFC 6749 3.1).
        f"&iss={quote(ISSUER)}&iss={quote(ISSUER)}",
        f"&iss={quote(ISSUER)}&iss=https://evil.test",
        "&iss=%1b[2J%ff",
    ],
)
def test_another_issuer_is_refused(sandbox, secrets, answer):
    """Its code reaches no token endpoint. They are compared as strings."""
    auth = client_of(sandbox, service=with_issuer(sandbox))
    request = auth.begin_sign_on()
    stored = AuthorizationRequest.from_dict(request.to_dict())
    redirected_url = sandbox.sign_on(request) + answer

    for each in (request, stored):
        with pytest.raises(StateMismatchError, match="'iss'") as caught:
            auth.complete_sign_on(each, redirected_url)
        assert str(caught.value).isprintable()

    assert sandbox.token_requests == 0


def test_an_error_of_another_issuer_is_not_believed(sandbox):
    """RFC 9207 2.4: error responses as well."""
    auth = client_of(sandbox, service=with_issuer(sandbox))
    request = auth.begin_sign_on()
    denial = f"?error=access_denied&state={request.state}"

    with pytest.raises(StateMismatchError):
        auth.complete_sign_on(request, f"{denial}&iss=https://evil.test")
    with pytest.raises(AuthorizationDeniedError):
        auth.complete_sign_on(request, denial)


def test_a_sign_on_with_another_issuer_ends_with_the_error(sandbox):
    """A person's browser has come back: nothing else will."""

    def answered_by_another(request):
        return f"{sandbox.sign_on(request)}&iss=https://evil.test"

    auth = client_of(sandbox, service=with_issuer(sandbox), sign_on=answered_by_another)

    with pytest.raises(StateMismatchError, match=r"https://evil\.test"):
        auth.token()


def test_an_issuer_is_ignored_where_none_is_known(sandbox):
    """There is nothing to compare it with."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()

    assert request.issuer is None
    assert auth.complete_sign_on(
        request, f"{sandbox.sign_on(request)}&iss=https://evil.test"
    )


def test_a_wrong_state_is_reported_before_a_wrong_issuer(sandbox):
    """Anybody can send an issuer."""
    request = a_request()

    with pytest.raises(StateMismatchError, match="'state'"):
        request.code_from(f"{request.redirect_uri}?code=c&state=x&iss=y")


def test_ticktick_has_the_issuer_of_its_metadata():
    """Dida365's is not known."""
    assert TICKTICK.issuer == "https://ticktick.com"
    assert DIDA365.issuer is None


def test_a_sign_on_is_not_completed_with_another_issuer(sandbox):
    """The service that began it knew another."""
    request = client_of(sandbox).begin_sign_on()
    other = client_of(sandbox, service=with_issuer(sandbox))

    with pytest.raises(StateMismatchError, match="begin again"):
        other.complete_sign_on(request, sandbox.sign_on(request))
