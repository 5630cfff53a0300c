"""A call to TickTick that gets no token: the log says where to call."""

from __future__ import annotations

import copy
import logging
import pickle

import pytest
import requests
from clients import client_of

from requests_ticktick import DIDA365, TICKTICK, TICKTICK_MCP, Service, TickTickAuth


def prepared(url, auth):
    return requests.Request("GET", url, auth=auth).prepare()


@pytest.fixture
def told(caplog):
    """Return what was logged since, each line with its level."""
    caplog.set_level(logging.DEBUG)

    def since():
        lines = [(r.levelno, r.getMessage()) for r in caplog.records]
        caplog.clear()
        return lines

    return since


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://ticktick.com/open/v1/project", "https://ticktick.com,"),
        ("https://TickTick.com:443/open/v1", "https://ticktick.com:443,"),
        ("https://www.ticktick.com/open/v1/project", "https://www.ticktick.com,"),
        ("http://api.ticktick.com/open/v1/project", "http://api.ticktick.com,"),
        ("https://api.ticktick.com:8443/", "https://api.ticktick.com:8443,"),
        ("https://api.ticktick.com./open/v1", "https://api.ticktick.com.,"),
        ("https://api.dida365.com/open/v1/project", "https://api.dida365.com,"),
        (
            "https://api.ticktick.com/api/v2/user",
            "https://api.ticktick.com/api/v2/user,",
        ),
        ("https://API.ticktick.com", "https://api.ticktick.com/,"),
        ("https://api.ticktick.com/api/" + "x" * 30, "https://api.ticktick.com/...,"),
        ("https://api.ticktick.com/open/..;/", "https://api.ticktick.com/open/..;/,"),
        ("https://api.ticktick.com/open", "https://api.ticktick.com/open,"),
        ("https://me:hunter2@ticktick.com/?key=hunter3", "https://ticktick.com,"),
    ],
)
def test_the_right_address_is_logged_once(told, secrets, url, place):
    """As a warning, because a bare 401 follows."""
    secrets.add("hunter2", "hunter3")
    auth = TickTickAuth.from_token("tp_1")

    for _ in range(3):
        assert prepared(url, auth).headers.get("Authorization") != "Bearer tp_1"

    ((level, line),) = told()
    assert level == logging.WARNING
    assert f"No token was sent to {place} " in line
    assert "Call https://api.ticktick.com/open/v1/... instead" in line
    assert ("choose that service: TickTickAuth(service=DIDA365)" in line) is (
        "dida365" in url
    )


def test_each_host_and_each_auth_is_logged(told, sandbox):
    """The warning names the API of the auth's own service."""
    urls = ["https://ticktick.com/open/v1", "https://api.ticktick.com/open/v1"]
    auths = [TickTickAuth.from_token("dp_1"), client_of(sandbox)]
    for auth in auths:
        for url in [*urls, *urls]:
            prepared(url, auth)

    lines = [line for _, line in told()]
    assert len(lines) == 4
    assert all("service=TICKTICK" in line for line in lines)
    for api, of_auth in (
        (DIDA365.api_origins[0], [True, True, False, False]),
        (sandbox.url("/open/"), [False, False, True, True]),
    ):
        assert [f"Call {api}v1/..." in line for line in lines] == of_auth


def test_the_mcp_server_and_the_api_are_told_apart(told):
    """The same token is good for both; each auth is for one of them."""
    prepared("https://mcp.ticktick.com/", TickTickAuth.from_token("tp_1"))
    of_mcp = TickTickAuth.from_token("tp_1", service=TICKTICK_MCP)
    prepared("https://api.ticktick.com/open/v1/project", of_mcp)

    (_, to_mcp), (_, to_api) = told()
    assert "Call https://api.ticktick.com/open/v1/... instead" in to_mcp
    assert to_mcp.endswith("TickTickAuth(service=TICKTICK_MCP).")
    assert "Call https://mcp.ticktick.com/ instead" in to_api
    assert to_api.endswith("TickTickAuth(service=TICKTICK).")


def test_a_path_that_is_not_the_apis_is_named(told):
    """On the API's own host the host is not what is wrong."""
    auth = TickTickAuth.from_token("tp_1")

    for _ in range(2):
        prepared("https://api.ticktick.com/api/v2/tasks", auth)
        prepared("https://api.ticktick.com/openness", auth)

    ((_, line),) = told()
    assert "addresses that plainly begin with https://api.ticktick.com/open/." in line
    assert "service=" not in line


@pytest.mark.parametrize(
    ("api", "example"),
    [
        ("https://api.ticktick.com", "https://api.ticktick.com/open/v1/..."),
        ("https://api.ticktick.com/open/", "https://api.ticktick.com/open/v1/..."),
        ("https://api.ticktick.com/open/v1/", "https://api.ticktick.com/open/v1/..."),
        ("https://p.test", "https://p.test/open/v1/..."),
        ("https://p.test/tick/", "https://p.test/tick/..."),
    ],
)
def test_the_right_address_is_that_of_the_auths_service(told, api, example):
    """A service of one's own has its own addresses."""
    service = Service(TICKTICK.authorization_endpoint, TICKTICK.token_endpoint, api)
    auth = TickTickAuth.from_token("tp_1", service=service)

    prepared("https://ticktick.com/open/v1", auth)

    ((_, line),) = told()
    assert f"Call {example} instead" in line
    assert ("service=TICKTICK" in line) is ("p.test" in api)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/open/v1",
        "https://api.ticktick.com.evil.test/",
        "https://api.ticktick.com@evil.test/",
        "https://notticktick.com/",
        "http://127.0.0.1:1/open/v1",
        "https://[::1/",
        "mailto:ticktick.com",
    ],
)
def test_other_hosts_are_not_logged(told, url):
    """A session may call any host."""
    auth = TickTickAuth.from_token("tp_1")
    request = requests.PreparedRequest()
    request.url = url

    assert auth(request) is request
    request.url = None
    assert auth(request) is request

    assert told() == []


def test_a_call_to_the_api_is_not_logged(told):
    """There is nothing to warn of."""
    auth = TickTickAuth.from_token("tp_1")

    prepared("https://api.ticktick.com/open/v1/project", auth)

    assert told() == []


def test_a_copy_does_not_log_it_again(told):
    """A pickled auth keeps the list of hosts already logged."""
    auth = TickTickAuth.from_token("tp_1")
    url = "https://ticktick.com/open/v1"
    prepared(url, auth)

    for other in (copy.deepcopy(auth), pickle.loads(pickle.dumps(auth))):
        prepared(url, other)

    assert len(told()) == 1
