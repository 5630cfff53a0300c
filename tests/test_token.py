"""A token is one frozen value, whoever wrote it down."""

from __future__ import annotations

import copy
import json
import math
import pickle
import time

import pytest
from oauthlib.oauth2 import WebApplicationClient

from requests_ticktick import InvalidTokenError, TickTickAuthError, Token

UUID = "628ff081-5331-4a37-8ddc-021974c9f43a"

TICKTICK_PY = {
    "access_token": UUID,
    "token_type": "bearer",
    "expires_in": 14772375,
    "scope": "tasks:read tasks:write",
    "expire_time": 1637192935,
    "readable_expire_time": "Wed Nov 17 15:48:55 2021",
}


@pytest.mark.parametrize(
    "opaque", [UUID, "tp_0123456789abcdef", "dp_0123", "aaa.bbb-_.ccc", "~!$&'()*+,;="]
)
def test_an_opaque_token_is_kept_unchanged(opaque):
    """It may be a UUID, a personal API token or a JWT."""
    assert Token(opaque).access_token == opaque


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("", id="empty"),
        pytest.param(None, id="missing"),
        pytest.param(17, id="a number"),
        pytest.param("a b", id="a space"),
        pytest.param(" a", id="a leading space"),
        pytest.param("a\r\nX-Admin: 1", id="a header of its own"),
        pytest.param("a\x00", id="a NUL"),
        pytest.param("a\n", id="a line break at the end"),
        pytest.param("é", id="a letter outside ASCII"),
        pytest.param("\ud800", id="a lone surrogate"),
    ],
)
def test_a_text_unfit_for_a_header_is_no_token(bad):
    """Header injection is refused when the token is created."""
    with pytest.raises(InvalidTokenError) as caught:
        Token.from_dict({"access_token": bad})

    assert isinstance(caught.value, TickTickAuthError)
    assert isinstance(caught.value, ValueError)
    if isinstance(bad, str) and len(bad) > 2:
        assert bad not in str(caught.value)


@pytest.mark.parametrize(
    "payload", [None, [], "text", 1, b"{}", [["access_token", "a"]]]
)
def test_a_payload_must_be_an_object(payload):
    """That is so for a response and for a file."""
    for read in (Token.from_dict, lambda p: Token.from_response(p, now=0.0)):
        with pytest.raises(InvalidTokenError, match="access_token"):
            read(payload)


NONSENSE = pytest.mark.parametrize(
    "bad",
    [
        *(math.nan, math.inf, -math.inf, 1e308, -1e308, 10**30),
        *("soon", "", "1e9", "0x10", "2026-13-01T00:00:00Z", "2026-05-01T25:00Z"),
        *("20261301T000000Z", "20260501T", "20260501T12"),
        *("0001-01-01T00:00:00Z", True, [], {}),
        pytest.param(10**400, id="10**400"),
    ],
    ids=str,
)


@NONSENSE
@pytest.mark.parametrize(
    "name", ["expires_in", "expires_at", "issued_at", "expire_time"]
)
def test_an_implausible_expiry_is_unknown(name, bad):
    """The token is valid and is used until a 401."""
    token = Token.from_dict({"access_token": "a", name: bad})

    assert (token.expires_at, token.issued_at) == (None, None)
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token


@NONSENSE
def test_an_implausible_expires_at_falls_back_to_expire_time(bad):
    """One client may write the first, ticktick-py the second."""
    fields = {"access_token": "a", "expires_at": bad, "expire_time": 1637192935}

    assert Token.from_dict(fields).expires_at == 1637192935


@pytest.mark.parametrize("name", ["expires_at", "expire_time"])
@pytest.mark.parametrize(
    ("stored", "seconds"),
    [
        (1777636800, 1777636800),
        ("1777636800", 1777636800),
        (1777636800500, 1777636800.5),
        ("1777636800500", 1777636800.5),
        (1777636800500000, 1777636800.5),
        (1777636800500000000, 1777636800.5),
        ("2026-05-01T12:00:00Z", 1777636800),
        ("2026-05-01t12:00:00z", 1777636800),
        ("2026-05-01T12:00:00.500Z", 1777636800.5),
        ("2026-05-01T12:00:00,5Z", 1777636800.5),
        ("2026-05-01T12:00:00.500000000Z", 1777636800.5),
        ("2026-05-01T12:00:00+00:00", 1777636800),
        ("2026-05-01T20:00:00+08:00", 1777636800),
        ("2026-05-01T20:00:00+0800", 1777636800),
        ("20260501T120000Z", 1777636800),
        ("20260501T2000+0800", 1777636800),
        ("20260501T120000.5", 1777636800.5),
        ("2026-05-01T20+08", None),
        ("2026-05-01T08:30:00-03:30", 1777636800),
        ("2026-05-01 12:00:00 +00:00", 1777636800),
        ("2026-05-01T12:00:00", 1777636800),
        ("2026-05-01T12:00", 1777636800),
        (" 2026-05-01T12:00:00.5 ", 1777636800.5),
        ("2026-05-01", 1777593600),
    ],
)
def test_other_clients_forms_of_an_expiry_are_read(name, stored, seconds):
    """Seconds, JavaScript's milliseconds, Go's dates. The default zone is UTC."""
    assert Token.from_dict({"access_token": "a", name: stored}).expires_at == seconds


@pytest.mark.parametrize("lifetime", [3600, 3600.0, "3600", " 3600 ", "3600.0"])
def test_a_lifetime_counts_from_the_request(lifetime):
    """``expires_in`` may be a number or a string."""
    token = Token.from_response(
        {"access_token": "a", "expires_in": lifetime}, now=1000.0
    )

    assert token.expires_at == 1000.0 + float(lifetime)
    assert token.issued_at == 1000.0
    assert token.lifetime == float(lifetime)


def test_a_token_without_a_lifetime_does_not_expire():
    """Without ``expires_in`` it is valid until the API refuses it."""
    token = Token.from_response({"access_token": "a"}, now=1000.0)

    assert token.expires_at is None
    assert token.lifetime is None
    assert not token.expires_within(1e12, now=1e12)


@pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER", None])
def test_the_token_type_is_bearer_in_any_case(kind):
    """The type is not case sensitive (RFC 6749 7.1), and may be missing."""
    assert Token.from_dict({"access_token": "a", "token_type": kind})


@pytest.mark.parametrize("kind", ["mac", "", "bearer ", 5, ["bearer"]])
def test_another_token_type_is_refused(kind):
    """Only bearer tokens are sent."""
    with pytest.raises(InvalidTokenError, match="bearer"):
        Token.from_dict({"access_token": "a", "token_type": kind})


def test_a_ticktick_py_token_is_read_and_written_back():
    """The keys and values are those that ticktick-py wrote."""
    token = Token.from_dict(TICKTICK_PY)

    assert token.expires_at == 1637192935
    assert token.issued_at == 1637192935 - 14772375
    written = token.to_dict()
    assert {k: written[k] for k in TICKTICK_PY if not k.startswith("readable")} == {
        k: v for k, v in TICKTICK_PY.items() if not k.startswith("readable")
    }
    assert written["readable_expire_time"] == time.asctime(time.localtime(1637192935))


def test_a_requests_oauthlib_token_is_read():
    """Its scope is a list and its expiry is ``expires_at``."""
    token = Token.from_dict(
        {
            "access_token": "a",
            "token_type": "Bearer",
            "expires_in": 3600,
            "expires_at": 1637192935.5,
            "scope": ["tasks:write", "tasks:read"],
            "refresh_token": "r",
        }
    )

    assert token.expires_at == 1637192935.5
    assert token.scopes == {"tasks:read", "tasks:write"}
    assert token.refresh_token == "r"


def test_oauthlib_reads_a_stored_token():
    """A stored token can be passed to oauthlib unchanged."""
    token = Token("a", expires_at=2_000_000_000.0, issued_at=1.0, scope="tasks:read")

    client = WebApplicationClient("id", token=token.to_dict())

    assert client.access_token == "a"
    assert client._expires_at == 2_000_000_000


def test_unknown_keys_survive_a_round_trip():
    """A server's further keys are kept, and are not confused with ours."""
    fields = {"access_token": "a", "id_token": "x", "nested": {"n": [1, None]}}

    token = Token.from_dict(json.loads(json.dumps(fields)))

    assert dict(token.extra) == {"id_token": "x", "nested": {"n": [1, None]}}
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token


def test_two_of_issue_lifetime_and_expiry_give_the_third():
    """A file needs only two of them."""
    assert Token.from_dict({"access_token": "a", "expires_at": 7}).lifetime is None
    both = {"access_token": "a", "issued_at": 5, "expires_in": 2}
    assert Token.from_dict(both).expires_at == 7
    # A lifetime alone says nothing: nobody knows since when.
    assert Token.from_dict({"access_token": "a", "expires_in": 2}).expires_at is None


def test_scopes_compare_as_sets():
    """TickTick's response has another order than the request."""
    one = Token("a", scope="tasks:read tasks:write")
    other = Token("a", scope="tasks:write  tasks:read")

    assert one == other
    assert hash(one) == hash(other)
    assert one != Token("a", scope="tasks:read")
    assert Token("a", scope=["x", "y"]).scope == "x y"
    assert Token("a").scopes == frozenset()


@pytest.mark.parametrize("scope", ["", " ", [], (), [""], ",", " , "])
def test_an_empty_scope_is_unknown(scope):
    """It does not mean that the token permits nothing."""
    assert Token("a", scope=scope).scope is None
    assert Token.from_dict({"access_token": "a", "scope": scope}).scope is None


@pytest.mark.parametrize(
    "scope",
    [
        "tasks:read,tasks:write",
        "tasks:write, tasks:read",
        ["tasks:read", "tasks:write"],
        ["tasks:read,tasks:write"],
    ],
    ids=str,
)
def test_commas_separate_scopes_too(scope):
    """GitHub's, Slack's and Strava's clients write them."""
    token = Token.from_dict({"access_token": "a", "scope": scope})

    assert token.scopes == {"tasks:read", "tasks:write"}
    assert set(token.scope.split(" ")) == token.scopes


@pytest.mark.parametrize("scope", [5, [1], {"a": 1}])
def test_a_scope_is_a_string_or_a_list_of_strings(scope):
    """Anything else is refused."""
    with pytest.raises(InvalidTokenError, match="scope"):
        Token.from_dict({"access_token": "a", "scope": scope})


def test_a_token_is_shown_as_its_fingerprint():
    """``repr`` and ``str`` show neither the token nor its refresh token."""
    token = Token(UUID, refresh_token="refresh-1", extra={"id_token": "eyJ"})

    for shown in (repr(token), str(token), f"{token}", f"{[token]}"):
        assert token.fingerprint in shown
        assert UUID not in shown
        assert "refresh-1" not in shown
        assert "eyJ" not in shown
    assert len(token.fingerprint) == 8
    int(token.fingerprint, 16)


def test_a_token_is_frozen():
    """A shared token cannot be changed."""
    token = Token("a")

    with pytest.raises(AttributeError, match="frozen"):
        token.access_token = "b"
    with pytest.raises(AttributeError, match="frozen"):
        del token.access_token
    with pytest.raises(TypeError):
        token.extra["x"] = 1


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_token_is_copied_and_pickled_completely(clone):
    """All fields and further keys arrive."""
    token = Token("a", expires_at=5.0, refresh_token="r", extra={"k": [1]})

    assert clone(token) == token
    assert pickle.loads(pickle.dumps(token)) == token
    assert token != "a"
    assert token.replace(access_token="b").refresh_token == "r"


def test_the_leeway_is_exact_to_the_microsecond():
    """A token is renewed in its last 60 seconds, and not before."""
    token = Token("a", expires_at=2_000_000_060.0)

    assert not token.expires_within(60.0, now=2_000_000_000.0)
    assert not token.expires_within(60.0, now=1_999_999_999.999999)
    assert token.expires_within(60.0, now=2_000_000_000.000001)


def test_an_expiry_beyond_the_calendar_is_kept():
    """Only ``readable_expire_time`` is omitted."""
    written = Token("a", expires_at=1e300).to_dict()

    assert written["expires_at"] == 1e300
    assert "readable_expire_time" not in written


# -- by the clock ------------------------------------------------------------------


@pytest.fixture
def now(monkeypatch):
    """The clock stands at a quarter past."""
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.25)
    return time.time()


def test_what_is_left_plus_now_is_the_expiry(now):
    """The arithmetic of pyticktick, of a new token and of one from a store."""
    new = Token.from_response({"access_token": "a", "expires_in": 15551999})
    stored = Token("b", expires_at=now + 100, issued_at=now - 900)

    assert new.expires_in == 15551999
    assert new.expires_in + int(now) == int(new.expires_at)
    assert (stored.expires_in, stored.lifetime) == (100, 1000)


@pytest.mark.parametrize(
    ("left", "whole"), [(0.5, 0), (0.0, 0), (-0.5, -1), (1e9, 10**9)]
)
def test_whole_seconds_never_say_more_than_is_left(now, left, whole):
    """They are negative once the token has expired."""
    assert Token("a", expires_at=now + left).expires_in == whole


def test_nothing_is_said_of_an_unknown_expiry(now):
    """A personal token says nothing about its end."""
    assert Token("a").expires_in is None
    assert not Token("a").expires_within(60)


def test_now_is_now_unless_a_program_says_otherwise(now):
    """It need not pass the time."""
    token = Token.from_response({"access_token": "a", "expires_in": 60})

    assert (token.issued_at, token.expires_at) == (now, now + 60)
    assert token.expires_within(61)
    assert not token.expires_within(60)
    assert token.expires_within(60, now=now + 1)
    assert Token.from_response({"access_token": "a"}, now=0.0).issued_at == 0.0
