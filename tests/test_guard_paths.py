"""The token goes to the API's path, however an address is spelled.

Each spelling is sent to a real server, which writes down the request line. A
cell says whether the token came with it. No line that had the token can be
read as one outside of the path.
"""

from __future__ import annotations

import copy
import pickle
import posixpath
import re
from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from wire_servers import TOKENS, Answer, Server

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    refuse,
)

#: What follows the origin, and whether the token goes there.
SPELLINGS = {
    # below the path
    "/open/": True,
    "/open/v1/project": True,
    "/open/v1/project?x=/../&y=%2e%2e#/../": True,
    "/open/v1/project;x=1": True,
    "/open/v1/tag/caf%C3%A9%20noir/a.b": True,
    "/open/v1/a%2Fb%2fc": True,
    "/open/v1/...": True,
    "/open/v1/..a/b..": True,
    "/open/v1/100%": True,
    "/open//v1//project": True,
    "//open/v1/project": True,
    "/open/./v1": True,
    "/open/v1/../v1/project": True,
    "/open//../api/v2": True,  # for RFC 3986, which requests follows
    "/api/../open/v1/project": True,
    "/%6fpen/v1/project": True,
    # elsewhere
    "": False,
    "/": False,
    "/api/v2": False,
    "/open": False,
    "/open?/open/": False,
    "/open#/open/": False,
    "/openness/": False,
    "/OPEN/v1/project": False,
    "/open;x=1/v1/project": False,
    "/open%2Fv1/project": False,
    "/open\\v1/project": False,
    "/open./v1": False,
    "/api/v2?/open/": False,
    "/api/open/v1": False,
    "//api/v2": False,
    "//evil.test/open/": False,
    "/http://127.0.0.1/open/": False,
    # below the path at first sight only
    "/open/../api/v2": False,
    "/open/..": False,
    "/open/v1/../../api/v2": False,
    "/open/./../api/v2": False,
    "/open/%2e%2e/api/v2": False,
    "/open/%2E%2E/api/v2": False,
    "/open/.%2e/api/v2": False,
    "/open/%2e./api/v2": False,
    "/open/%2e%2e%2fapi/v2": False,
    "/open/..%2Fapi/v2": False,
    "/open/..%5capi/v2": False,
    "/open/..\\api/v2": False,
    "/open\\..\\api/v2": False,
    "/open/v1%2f..%2f..%2fapi/v2": False,
    "/open/%252e%252e/api/v2": False,
    "/open/%252E%252E%252Fapi/v2": False,
    "/open/%25252e%25252e/api/v2": False,
    "/open/%%32%65%%32%65/api/v2": False,
    "/open/..;/api/v2": False,
    "/open/..;x=1/api/v2": False,
    "/open/..%3bx/api/v2": False,
    "/open/%2e%2e%3b/api/v2": False,
    "/open/.. /api/v2": False,
    "/open/..%20/api/v2": False,
    "/open/.%09./api/v2": False,
    "/open/..%00/api/v2": False,
    "/open/%c0%ae%c0%ae/api/v2": False,
    "/open/v1/%" + "25" * 40 + "2e": False,
}

#: Those that requests resolves in a first request only. A redirect to them
#: reaches the server as it is, and loses the token.
RESOLVED_AT_FIRST = (
    "/open/v1/../v1/project",
    "/open//../api/v2",
    "/api/../open/v1/project",
)


def readings(line):
    """Return what servers may make of the path in a request line."""
    paths = {line.partition("?")[0]}
    for _ in range(8):
        paths |= {unquote(path) for path in paths}
        paths |= {path.replace("\\", "/") for path in paths}
        paths |= {re.sub(";[^/]*", "", path) for path in paths}
    return {re.sub("//+", "/", posixpath.normpath(path) + "/") for path in paths}


def has_token(headers):
    return headers.get("authorization") == f"Bearer {TOKENS[0]}"


def sent_as_expected(seen, expected):
    assert has_token(seen.headers) is expected
    if expected:
        assert all(path.startswith("/open/") for path in readings(seen.path))


def auth_for(server, *paths, sign_on=refuse, store=None):
    origins = [f"{server.url}{path}" for path in paths or ["/open/"]]
    service = Service(f"{server.url}/a", f"{server.url}/t", origins)
    store = MemoryStore(Token(TOKENS[0])) if store is None else store
    return TickTickAuth(store=store, sign_on=sign_on, service=service)


@pytest.fixture
def server():
    with Server() as running:
        yield running


@pytest.fixture
def session(server):
    with requests.Session() as session:
        session.trust_env = False
        session.auth = auth_for(server)
        yield session


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_token_goes_to_the_apis_path(server, session, spelling):
    """Whatever requests and urllib3 put on the wire."""
    assert session.get(f"{server.url}{spelling}").status_code == 200

    sent_as_expected(server.seen[0], SPELLINGS[spelling])


@pytest.mark.parametrize("form", ["an absolute", "a relative", "a protocol's"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_redirect_out_of_the_apis_path_loses_the_token(
    server, session, spelling, form
):
    """Within a host requests keeps the header, and may not resolve the path."""
    expected = SPELLINGS[spelling]
    target = {
        "an absolute": f"{server.url}{spelling}",
        "a relative": spelling,
        "a protocol's": f"{server.url.removeprefix('http:')}{spelling}",
    }[form]
    if form == "a relative":
        if not spelling.startswith("/") or spelling.startswith("//"):
            return  # another address
    elif spelling in RESOLVED_AT_FIRST:
        expected = False
    target = target.encode().decode("latin-1")
    server.answers.append(Answer(307, {"Location": target}))

    response = session.post(f"{server.url}/open/v1/task", data=b"body")

    first, second = server.seen
    assert has_token(first.headers)
    assert first.length == second.length == 4
    sent_as_expected(second, expected)
    assert len(response.history) == 1
    assert response.history[0].request.headers["Authorization"] == f"Bearer {TOKENS[0]}"


def test_a_redirect_after_a_401_loses_the_token_as_well(server, session):
    """The request that was sent again is redirected out of the path."""
    other = MemoryStore(Token(TOKENS[0]))
    session.auth = auth_for(server, store=other)
    session.auth.token()
    other.save(Token(TOKENS[1]))
    server.answers += [Answer(401), Answer(302, {"Location": "/api/v2"})]

    session.get(f"{server.url}/open/v1/project")

    assert [s.headers.get("authorization") for s in server.seen] == [
        f"Bearer {TOKENS[0]}",
        f"Bearer {TOKENS[1]}",
        None,
    ]


def test_a_token_that_was_lost_does_not_come_back(server, session):
    """Out of the path and back into it."""
    server.answers += [
        Answer(302, {"Location": "/api/v2"}),
        Answer(302, {"Location": "/open/v1/project"}),
        Answer(401),
    ]

    response = session.get(f"{server.url}/open/v1/project")

    assert [has_token(seen.headers) for seen in server.seen] == [True, False, False]
    assert response.status_code == 401


def test_a_redirect_into_the_apis_path_adds_no_token(server, session):
    """As for any host: requests applies an auth to the first request alone."""
    server.answers += [Answer(302, {"Location": "/open/v1/project"}), Answer(401)]

    response = session.get(f"{server.url}/api/v2")

    assert [has_token(seen.headers) for seen in server.seen] == [False, False]
    assert response.status_code == 401


@pytest.mark.parametrize("location", ["http://[::1", "//[::1", "http://\udcff/"])
def test_a_redirect_that_requests_cannot_follow_is_requests_affair(
    server, session, location
):
    """The guard decides nothing there, and raises nothing."""
    response = requests.Response()
    response.status_code, response.url = 302, f"{server.url}/open/v1"
    response.headers["Location"] = location
    request = requests.Request("GET", response.url).prepare()
    response.request = session.auth(request)

    (hook,) = request.hooks["response"]

    assert hook(response) is response
    assert "Authorization" in request.headers
    assert "Authorization" not in request.copy().headers


def test_the_callers_own_header_is_followed_as_requests_does(server, session):
    """The guard takes away its own token, and nobody else's password."""
    mine = {"Authorization": "Token mine"}
    server.answers.append(Answer(302, {"Location": "/api/v2"}))

    request = session.prepare_request(
        requests.Request("GET", f"{server.url}/open/v1/project")
    )
    request.headers.update(mine)
    session.send(request)

    assert [seen.headers["authorization"] for seen in server.seen] == ["Token mine"] * 2


def test_a_401_from_elsewhere_on_the_host_asks_nobody(server, caplog):
    """The undocumented ``/api/v2`` beside the API has a password of its own."""
    asked = []
    auth = auth_for(server, sign_on=asked.append)
    server.otherwise = lambda seen: Answer(401)

    for path in ("/api/v2/user/signon", "/open/../api/v2", "/open/..;/api/v2"):
        response = requests.get(f"{server.url}{path}", auth=auth)
        assert response.status_code == 401

    assert asked == []
    assert not any("authorization" in seen.headers for seen in server.seen)


@pytest.mark.parametrize(
    ("paths", "reached"),
    [
        (["/open/"], {"/open/v1"}),
        ([""], {"/open/v1", "/api/v2", "/mcp/x", "/open/..;/api"}),
        (["/open/", "/mcp/"], {"/open/v1", "/mcp/x"}),
        (["/open/", ""], {"/open/v1", "/api/v2", "/mcp/x", "/open/..;/api"}),
        (["/%7Eopen%2f1/"], set()),
    ],
)
def test_each_entry_counts(server, paths, reached):
    """An origin alone stands for all of its paths."""
    auth = auth_for(server, *paths)

    for path in ("/open/v1", "/api/v2", "/mcp/x", "/open/..;/api"):
        requests.get(f"{server.url}{path}", auth=auth)

    assert {s.path for s in server.seen if has_token(s.headers)} == reached


def test_an_entrys_own_escapes_are_compared_as_requests_writes_them(server):
    """A proxy may have any path."""
    auth = auth_for(server, "/tick tick/caf%c3%a9/")

    requests.get(f"{server.url}/tick%20tick/café/v1", auth=auth)

    assert has_token(server.seen[0].headers)


@pytest.mark.parametrize("service", [TICKTICK, DIDA365], ids=["TickTick", "Dida365"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_services_have_the_path(service, spelling):
    """TickTick's API begins with ``/open/``."""
    (base,) = service.api_origins
    url = requests.Request("GET", base.removesuffix("/open/") + spelling).prepare().url

    assert service.is_api_url(url) is SPELLINGS[spelling]


def test_the_sandboxs_service_has_the_path(sandbox):
    """A program that calls ``/api/v2`` in production is found out in its tests."""
    assert sandbox.service.api_origins == (sandbox.url("/open/"),)


@given(
    st.lists(
        st.sampled_from(
            [*"/.;\\%25eEfF3bcC ~", "..", "%2e", "%5c", "%2F", "%25", "open", "api/v2"]
        ),
        max_size=24,
    )
)
def test_no_spelling_leads_out_of_the_path(parts):
    """What has the token cannot be read as anything outside of the path."""
    url = f"https://api.ticktick.com/open/{''.join(parts)}"
    prepared = requests.Request("GET", url).prepare()

    for text in (url, prepared.url):
        if TICKTICK.is_api_url(text):
            line = urlsplit(text).path
            assert all(path.startswith("/open/") for path in readings(line)), line


def test_what_was_decided_about_a_url_is_remembered_for_a_while():
    """Not for ever: a program may call any number of URLs. No copy has them."""
    auth = TickTickAuth.from_token("tp_1")
    base = "https://api.ticktick.com"
    for number in range(1000):
        path = f"/open/{number}" if number % 2 else f"/api/{number}"
        request = requests.Request("GET", f"{base}{path}", auth=auth).prepare()

        assert ("Authorization" in request.headers) is bool(number % 2)
        assert 0 < len(auth.guard) <= 64

    for other in (copy.deepcopy(auth), pickle.loads(pickle.dumps(auth))):
        assert len(other.guard) == 0
        assert other.guard[f"{base}/open/1"] is True
        assert other.guard[f"{base}/api/1"] is False
