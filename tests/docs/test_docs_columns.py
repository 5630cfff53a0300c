"""Both columns of the tables for those who come from other clients run.

The left one runs with the other client, the right one with this package, each as one
program. What both call by the same name is equal afterwards.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import functools
import http.server
import json
import logging
import re
import textwrap
import threading
import time
import warnings
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from clients import client_of
from optional import library
from pages import page

import requests_ticktick
from requests_ticktick import FileStore, MemoryStore, TickTickAuth, Token
from requests_ticktick.vault import TokenVault

PROJECT = "/open/v1/project"


def columns(client):
    """The two columns of a client's table, as programs."""
    table = page("migrating").partition(f"   * - {client}\n     - here")[2]
    table = re.split(r"\n(?=\S)", table)[0]
    cell = r"   {} \.\. code-block:: python\n\n((?:          .*\n|\n)+)"
    left, right = (re.findall(cell.format(mark), table) for mark in (r"\* -", " -"))
    assert len(left) == len(right) > 3
    return tuple("\n".join(map(textwrap.dedent, side)) for side in (left, right))


class Program(dict):
    """The names of a program; some come to be when they are first used."""

    def __init__(self, later=None, **names):
        super().__init__(names)
        self.later = later or {}

    def __missing__(self, name):
        if name not in self.later:
            raise KeyError(name)
        return self.later[name](self)

    def run(self, code):
        """Run it, with ``await`` at its top level if it has one."""
        program = compile(code, "migrating.rst", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        awaited = eval(program, {**globals(), "time": time, **self}, self)
        if awaited is not None:
            asyncio.run(awaited)
        return self


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Other clients' libraries write addresses with codes into the log."""
    for name in ("httpcore", "httpx", "requests_oauthlib"):
        caplog.set_level(logging.ERROR, logger=name)


def came_back(sandbox):
    """The address that the person came back to, once there is one to open."""
    return {"came_back": lambda n: sandbox.sign_on(SimpleNamespace(url=n["address"]))}


@pytest.fixture
def names(sandbox, monkeypatch, tmp_path):
    """What both programs may name, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TICKTICK_SERVICE", sandbox.url(""))
    monkeypatch.setattr("requests_ticktick._sign_on.default_sign_on", sandbox.sign_on)
    monkeypatch.setitem(
        TickTickAuth.__init__.__kwdefaults__, "service", sandbox.service
    )
    with requests.Session() as session:
        yield {
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "redirect_uri": sandbox.redirect_uri,
            "session": session,
            "url": sandbox.url(PROJECT),
            **{n: getattr(requests_ticktick, n) for n in requests_ticktick.__all__},
        }


def here(code, sandbox):
    """The code of a column, for the sandbox."""
    for old, new in {
        "https://ticktick.com/oauth": sandbox.url("/oauth"),
        "your-client-id": sandbox.client_id,
        "your-client-secret": sandbox.client_secret,
        "http://127.0.0.1:8080": sandbox.redirect_uri,
    }.items():
        code = code.replace(old, new)
    return code


def test_the_lines_of_ticktick_py(sandbox, names):
    """Over one file, which both write."""
    theirs = library("ticktick.oauth2")
    left, right = (here(code, sandbox) for code in columns("ticktick-py"))
    client_of(sandbox, FileStore(".token-oauth")).token()

    before = Program(OAuth2=theirs.OAuth2, **names).run(left)
    after = Program(**names).run(right)

    before["oauth"].session.close()
    for name in ("access", "end", "over"):
        assert before[name] == after[name]
    assert set(before["info"]) <= set(after["info"])
    assert before["kept"]["access_token"] == after["kept"]["access_token"]
    assert before["answer"].json() == after["answer"].json()
    assert sandbox.sign_ons == 1


def test_the_lines_of_pyticktick(sandbox, names, monkeypatch):
    """It prompts, and has the secret in an address."""
    theirs = library("pyticktick")
    monkeypatch.setenv("PYTICKTICK_V1_BASE_URL", sandbox.url("/open/v1"))
    settings = library("pyticktick.settings")
    for name, path in (("Authorize", "authorize"), ("Token", "token")):
        made = getattr(settings, f"OAuth{name}URLV1")
        there = functools.partial(made, base_url=sandbox.url(f"/oauth/{path}"))
        monkeypatch.setattr(settings, f"OAuth{name}URLV1", there)
    shown = []

    def sign_on(text):
        return sandbox.sign_on(SimpleNamespace(url=shown[0]))

    monkeypatch.setattr(
        "click.confirm", lambda text, **_: shown.append(text.split()[2])
    )
    monkeypatch.setattr("click.prompt", sign_on)
    sandbox.redirect_uri = names["redirect_uri"] = "http://127.0.0.1:8080/"
    left, right = columns("pyticktick")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its other API is not set up
        before = Program(Settings=theirs.Settings, Client=theirs.Client, **names)
        before.run(left)
    after = Program(**names).run(right)

    assert before["names"] == after["names"]
    assert "Groceries" in after["names"]
    assert abs(before["expiration"] - after["expiration"]) < 60


def test_the_lines_of_httpx_oauth(sandbox, names):
    """By await at the left."""
    theirs = library("httpx_oauth.oauth2")
    httpx = library("httpx")
    later = came_back(sandbox)
    later["code"] = lambda n: parse_qs(urlsplit(n["came_back"]).query)["code"][0]
    left, right = (here(code, sandbox) for code in columns("httpx-oauth"))

    before = Program(later, OAuth2=theirs.OAuth2, httpx=httpx, my_state="s", **names)
    before.run(left)
    after = Program(came_back(sandbox), **names).run(right)

    assert before["over"] is after["over"] is False
    assert before["answer"].json() == after["answer"].json()


def test_the_lines_of_requests_oauthlib(sandbox, names, monkeypatch):
    """In two steps, and again with the token that was kept."""
    from requests_oauthlib import OAuth2Session

    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    left, right = (here(code, sandbox) for code in columns("requests-oauthlib"))
    saved, opened = [], []

    def new_session(*args, **options):
        opened.append(OAuth2Session(*args, **options))
        return opened[-1]

    options = {"save": saved.append, "load": lambda: saved[-1]}

    before = Program(came_back(sandbox), OAuth2Session=new_session, **options, **names)
    before.run(left)
    after = Program(came_back(sandbox), **names).run(right)

    for each in opened:
        each.close()
    answers = [p[n].json() for p in (before, after) for n in ("answer", "again")]
    assert answers == [answers[0]] * 4
    assert sandbox.sign_ons == 2


def test_the_lines_of_spotipy(sandbox, names, start_redis):
    """Each place is read by both."""
    from requests_ticktick.stores import redis as redis_store

    theirs = library("spotipy.cache_handler")
    left, right = columns("spotipy, and clients like it")
    with contextlib.closing(start_redis().client()) as redis:
        info = client_of(sandbox).token().to_dict()
        handlers = {n: v for n, v in vars(theirs).items() if n.endswith("Handler")}
        given = {"info": info, "client": redis, "cache": {}}

        before = Program(**handlers, **given, **names).run(left)
        after = Program(RedisStore=redis_store.RedisStore, **given, **names).run(right)
        before["shared"].save_token_to_cache(info)

        assert before["kept"] == after["kept"] == info
        assert before["memory"].get_cached_token() == after["memory"].load().to_dict()
        assert after["shared"].load() == Token.from_dict(info)
    own, others = after["DictStore"](), before["DictHandler"]()
    others.save_token_to_cache(info)
    assert others.get_cached_token() == info
    after["cache"].clear()
    with own.lock(0):
        own.save(MemoryStore(Token.from_dict(info)).load())
    assert own.load() == Token.from_dict(info)


class Host(http.server.BaseHTTPRequestHandler):
    """What Arcade answers, to somebody who grants access at once."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(id="a", status="pending", url="https://host.example/a")

    def do_GET(self):
        self._answer(id="a", status="completed", context={"token": "a-token"})

    def _answer(self, **fields):
        body = json.dumps(fields).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_the_lines_of_arcade_at_its_side(monkeypatch):
    """Its client, at a server that answers as its host does."""
    theirs = library("arcadepy")
    left, _ = columns("Arcade")
    with http.server.HTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("ARCADE_BASE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ARCADE_API_KEY", "none")
        shown = []

        before = Program(Arcade=theirs.Arcade, show=lambda *a: shown.append(a)).run(
            left
        )

        before["client"].close()
        server.shutdown()
        thread.join(60)
    assert before["access"] == "a-token"
    assert shown == [("user-17", "https://host.example/a")]


def test_the_lines_of_arcade_at_this_side(sandbox, names, monkeypatch, tmp_path):
    """The person comes back to a web server of the program's, while it waits."""
    for name in ("client_id", "client_secret", "redirect_uri"):
        monkeypatch.setenv(f"TICKTICK_{name.upper()}", names[name])
    _, right = columns("Arcade")
    vault = str(tmp_path / "vault")
    web = TokenVault.files(vault, service=sandbox.service, scope="tasks:read")

    def show(person, url):
        web.complete_sign_on(person, sandbox.sign_on(SimpleNamespace(url=url)))

    code = right.replace("/var/lib/app", vault)
    after = Program(TokenVault=TokenVault, show=show, **names).run(code)

    assert (
        after["access"] == web.auth("user-17", scope="tasks:read").token().access_token
    )
