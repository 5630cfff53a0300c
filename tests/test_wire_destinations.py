"""Where the token goes, by every road that a request can take.

A cell names the servers that saw the token, in order; how many hooks the
requests carried; and the statuses that came back, redirects first. No other
server saw a token, and none saw it anywhere but in the ``Authorization`` header.
"""

from __future__ import annotations

import base64
import pickle

import pytest
import requests
import trustme
from clients import client_of
from destinations import (
    API,
    NETRC,
    ORIGINS,
    PLACES,
    PROXIES,
    REDIRECTS,
    REFUSALS,
    SERVERS,
    World,
    _protected,
    location,
    outcome,
)
from requests.structures import CaseInsensitiveDict
from wire_servers import (
    TOKENS,
    Answer,
    Server,
    knows_tokens,
)

from requests_ticktick import Service


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def all_servers(authority):
    world = World(authority)
    yield world
    for server in world.servers.values():
        server.__exit__()


@pytest.fixture
def world(all_servers, monkeypatch, secrets):
    secrets.add(*TOKENS)
    all_servers.net.install(monkeypatch)
    all_servers.begin()
    return all_servers


@pytest.fixture
def session(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with requests.Session() as session:
        session.auth = knows_tokens(*ORIGINS)
        session.verify = str(tmp_path / "ca.pem")
        yield session


# -- the matrix --------------------------------------------------------------------

DIRECT = {what: row[:2] for what, row in PLACES.items() if row[1] is not None}


@pytest.mark.parametrize("what", DIRECT)
def test_the_token_goes_only_to_the_services_apis(world, session, what):
    """Over https, or on this machine."""
    url, expected = DIRECT[what]

    response = session.get(url)

    assert outcome(world, response) == expected


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("what", PLACES)
def test_a_redirect_keeps_the_token_only_within_the_origin(
    world, session, what, status
):
    """The header goes along on the same origin, and nowhere else."""
    url, _, expected, _ = PLACES[what]
    world.answer("api", status, location(url))

    response = session.post(f"{API}/", json={"a": 1})

    assert outcome(world, response) == expected.replace("30x", str(status))
    assert world.seen[-1].method == REDIRECTS[status]


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("what", PLACES)
def test_a_redirect_away_and_back_does_not_restore_the_token(
    world, session, what, status
):
    """What the request lost on the way, it does not get back."""
    url, _, _, expected = PLACES[what]
    world.answer("api", status, location(url))
    back = Answer(status, {"Location": f"{API}/back"})
    for server in world.servers.values():
        server.otherwise = lambda seen: (
            back if seen.path.endswith("/a") else _protected(seen)
        )

    response = session.post(f"{API}/", json={"a": 1})

    assert outcome(world, response) == expected.replace("30x", str(status))
    assert world.seen[-1].path == "/back"


@pytest.mark.parametrize("start", ["plain", "port", "sub", "dot", "other"])
def test_a_redirect_from_another_host_to_the_api_adds_no_token(world, session, start):
    """A call that began without the token stays without it."""
    world.answer(start, 301, f"{API}/a")

    response = session.get(f"{SERVERS[start]}/")

    assert outcome(world, response) == "-; 0; 301 401"


def test_the_upgrade_that_requests_allows_is_to_another_origin(world, session):
    """From ``http://localhost`` to ``https://localhost``: for requests, one host."""
    world.answer("localhost", 301, "https://localhost/a")

    response = session.get("http://localhost/")

    assert outcome(world, response) == "localhost; 1; 301 401"


# -- a 401 on the way --------------------------------------------------------------


@pytest.mark.parametrize("what", REFUSALS)
def test_a_call_renews_the_token_once(world, session, what):
    """The requests that follow in the same call have the new token."""
    script, shown, statuses = REFUSALS[what]
    for step in script.split():
        server, _, answer = step.partition(":")
        status, _, there = answer.partition(">")
        world.answer(server, int(status), f"{SERVERS[there]}/next" if there else None)
    first = script.partition(":")[0]

    response = session.get(f"{SERVERS[first]}/")

    assert world.tokens_shown() == shown
    chain = [*response.history, response]
    assert " ".join(str(each.status_code) for each in chain) == statuses
    assert not any(server.answers for server in world.servers.values())


def test_one_call_is_sent_again_once_whatever_comes_between(sandbox):
    """The API refuses each address once, and then redirects to the next."""
    calls = []

    def refuse_then_redirect(seen):
        calls.append(seen.path)
        if calls.count(seen.path) == 1:
            return Answer(401)
        return Answer(302, {"Location": f"/{len(calls)}"})

    with Server() as api, requests.Session() as session:
        api.otherwise = refuse_then_redirect
        urls = sandbox.service
        service = Service(urls.authorization_endpoint, urls.token_endpoint, api.url)
        # TickTick hands the same token back as long as it is alive.
        sandbox.reissue = True
        session.auth = client_of(sandbox, service=service)

        response = session.get(api.url)

    assert response.status_code == 401
    assert calls == ["/", "/", "/2"]


def test_a_password_set_by_the_program_after_a_redirect_is_sent(world, session):
    """Only a password from .netrc is kept out."""
    world.redirect(["api", "api"])
    response = session.get(API, allow_redirects=False)
    request = response.next
    del request.headers["Authorization"]
    request.headers["Authorization"] = "Basic of-mine"

    session.send(request)

    assert world.who_saw("of-mine") == "api"
    assert type(pickle.loads(pickle.dumps(request)).headers) is CaseInsensitiveDict


def test_a_redirect_left_to_the_caller_has_the_new_token(world, session):
    """The request in the history has the refused token."""
    shown = []

    def show(response, **_):
        shown.extend([*response.history, response])

    world.answer("api", 401)
    world.answer("api", 302, f"{API}/next")

    response = session.get(API, allow_redirects=False, hooks={"response": show})

    requests_made = [each.request for each in shown] + [response.next]
    headers = [each.headers["Authorization"] for each in requests_made]
    assert headers == [f"Bearer {TOKENS[number]}" for number in (0, 1, 1)]


# -- .netrc, and the trust in the environment ---------------------------------------


@pytest.mark.parametrize("what", NETRC)
def test_a_netrc_entry_does_not_replace_the_token(
    world, session, monkeypatch, tmp_path, what
):
    """It is never sent in place of the token."""
    trust, road, saw_token, saw_entry = NETRC[what]
    machine = what.partition("'")[0]
    host = {"the API": "machine api.sandbox.test", "other": "machine other.test"}
    netrc = tmp_path / "netrc"
    netrc.write_text(f"{host.get(machine, 'default')} login me password netrc-word")
    monkeypatch.setenv("NETRC", str(netrc))
    session.trust_env = trust
    road = road.split()
    world.redirect(road)

    session.get(f"{SERVERS[road[0]]}/")

    assert len(world.seen) == len(road)
    assert world.who_saw(*TOKENS) == saw_token
    entry = base64.b64encode(b"me:netrc-word").decode()
    assert world.who_saw(entry) == saw_entry


# -- proxies -------------------------------------------------------------------------


@pytest.mark.parametrize("trust", [True, False], ids=["environment", "session"])
@pytest.mark.parametrize("what", PROXIES)
def test_a_proxy_sees_no_token(world, session, monkeypatch, what, trust):
    """It sees the names and ports of https requests."""
    road, saw_token, asked = PROXIES[what]
    host, port = world.servers["proxy"].address
    proxy = f"http://proxy-user:proxy-word@{host}:{port}"
    if trust:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    else:
        session.trust_env = False
        session.proxies = {"http": proxy, "https": proxy}
    road = road.split()
    world.redirect(road)

    session.get(f"{SERVERS[road[0]]}/0")

    assert world.who_saw(*TOKENS) == saw_token
    seen = [each for each in world.seen if each.server == "proxy"]
    assert ", ".join(f"{each.method} {each.path}" for each in seen) == asked
    credentials = base64.b64encode(b"proxy-user:proxy-word").decode()
    for each in seen:
        assert each.headers["proxy-authorization"] == f"Basic {credentials}"


def test_a_401_behind_a_proxy_is_handled_through_it(world, session):
    """What is sent again takes the same way."""
    host, port = world.servers["proxy"].address
    world.answer("api", 401)
    world.answer("api", 200)

    response = session.get(API, proxies={"https": f"http://{host}:{port}"})

    assert response.status_code == 200
    assert world.tokens_shown() == "api:0 api:1"
    assert {each.server for each in world.seen} == {"proxy", "api"}
