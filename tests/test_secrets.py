"""No secret is shown: the whole life of a token, and every error, searched."""

from __future__ import annotations

import inspect
import io
import json
from contextlib import suppress
from http.client import HTTPConnection
from traceback import walk_tb
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import requests
from inside import grant_of
from leaks import Everything, spellings, texts_kept_by, titles, told_by
from shell import Shell
from ways_stores_fail import CASES
from ways_to_fail import World, redirect_to

from requests_ticktick import (
    AuthorizationRequest,
    ConsoleSignOn,
    InvalidTokenError,
    LoopbackSignOn,
    SignOnError,
    SignOnRequiredError,
    TickTickAuthError,
    Token,
    _errors,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.sandbox import Sandbox


@pytest.fixture
def world(tmp_path, monkeypatch, clock, secrets):
    """A sandbox with all that can be secret; its clock stands still."""
    sandbox = Sandbox(code_challenge_method="S256", refresh_tokens=True)
    secrets.watch(lambda: sandbox.secrets)
    with sandbox, World(sandbox, tmp_path, monkeypatch) as world:
        yield world


def must_not_show(secrets, **texts):
    """Fail with the lines that show a secret."""
    assert secrets
    shown = [
        f"{where} shows {secret!r}: ...{line[max(0, at - 300) : at + 100]}..."
        for secret in secrets
        for spelling in spellings(secret)
        for where, text in texts.items()
        if spelling in text
        for line in text.splitlines()
        if (at := line.find(spelling)) >= 0
    ]
    if shown:
        pytest.fail("\n".join(shown), pytrace=False)


# -- every error -----------------------------------------------------------------


@pytest.mark.parametrize(("kinds", "fail"), CASES)
def test_no_error_shows_a_secret(world, capfd, kinds, fail):
    """Neither its text, fields, pickle and frames nor its causes."""
    with Everything() as said, pytest.raises(kinds) as caught:
        fail(world)

    out, err = capfd.readouterr()
    must_not_show(
        world.secrets,
        error=told_by(caught.value),
        said="\n".join(said.lines),
        out=out,
        err=without_addresses(err, world),
        note=world.note(),
    )


def test_waiting_processes_get_a_failure_without_its_text(world):
    """The user's own sign-on may raise any text."""

    def fail(request):
        raise RuntimeError(world.sandbox.sign_on(request))

    with pytest.raises(SignOnError) as caught:
        world.client(sign_on=fail).token()

    assert '"type": "SignOnError"' in json.loads(world.note())["failure"]
    must_not_show(world.secrets, note=world.note(), error=str(caught.value))


def test_every_error_class_has_a_case():
    """The table covers the whole tree."""
    known = {
        kind
        for kind in vars(_errors).values()
        if inspect.isclass(kind) and issubclass(kind, TickTickAuthError)
    }

    covered = {kind for parameter in CASES for kind in parameter.values[0]}

    assert known - covered == {TickTickAuthError}


def test_the_callers_own_errors_keep_their_variables():
    """An exception that the caller was handling is left unchanged."""

    def fail():
        reason = "kept for whoever looks at it"
        raise LookupError(reason)

    try:
        fail()
    except LookupError:
        with pytest.raises(InvalidTokenError) as caught:
            Token("a b")

    *_, frame = walk_tb(caught.value.__context__.__traceback__)
    assert "reason" in frame[0].f_locals
    *_, (frame, _) = walk_tb(caught.value.__traceback__)
    assert frame.f_code.co_name == "token_string"  # the way to the error is still there
    assert not frame.f_locals


def without_addresses(text, world):
    """Leave out the addresses that a person has to see, to open them."""
    for request in world.begun:
        text = text.replace(request.url, "the address to open")
    return text


# -- the whole life --------------------------------------------------------------


def by_callable(world):
    return world.sandbox.sign_on


def by_pasting(world):
    def paste(request):
        another = redirect_to(request, code=world.plant(), state=world.plant())
        typed = [world.plant(), another, world.sandbox.sign_on(request)]
        return ConsoleSignOn(input=io.StringIO("\n".join(typed)))(request)

    return paste


def by_listening(world):
    def browse(url):  # without requests, which would log the addresses
        request = world.begun[-1]
        assert request.state not in url
        world.show(titles())
        another = redirect_to(request, code=world.plant(), state=world.plant())
        with suppress(HTTPError), urlopen(another):
            raise AssertionError("another's state was accepted")
        with urlopen(world.sandbox.sign_on(request)) as page:
            page.read()

    return LoopbackSignOn(30, open_url=browse, output=world.terminal)


def in_two_steps(world):
    return refuse


class Life:
    """One client, from its first sign-on to the end.

    Its requests are sent by a program that signs on in two steps where it is
    told to, as a web application does.
    """

    def __init__(self, world, clock, sign_on):
        self.world = world
        self.auth = world.client(world.file, sign_on=sign_on, clock=clock)
        self.session = world.enter_context(requests.Session())
        self.session.auth = self.auth

    def get(self):
        try:
            response = self._get()
        except SignOnRequiredError:
            self._sign_on()
            return self._get()
        if response.status_code == 401:
            self._sign_on()
            return self._get()
        return response

    def _get(self):
        return self.session.get(self.world.sandbox.url("/open/v1/project"))

    def _sign_on(self):
        text = json.dumps(self.auth.begin_sign_on().to_dict())
        redirected_url = self.world.sandbox.sign_on(self.world.begun[-1])
        request = AuthorizationRequest.from_dict(json.loads(text))
        self.auth.complete_sign_on(request, redirected_url)

    def objects(self):
        """Return all that a program can get hold of."""
        token, source = self.auth.token(), self.auth.source
        return [
            *(self.auth, self.session, source, source.store, grant_of(self.auth)),
            *(token, token.extra, Stamp.of(token), *self.world.begun),
            *vars(grant_of(self.auth)).values(),
        ]


@pytest.mark.parametrize(
    "way",
    [by_callable, by_pasting, by_listening, in_two_steps],
    ids=lambda f: f.__name__,
)
def test_no_secret_is_shown_from_sign_on_to_failure(world, clock, capfd, way):
    """Through use, refresh, a 401, a refused refresh and the end."""
    sandbox = world.sandbox
    sandbox.expires_in = 3600

    with Everything() as said:
        life = Life(world, clock, way(world))
        assert life.get().status_code == 200
        world.show(*life.objects())

        clock.advance(3550)  # renewed early, by the refresh token
        assert life.get().status_code == 200
        sandbox.revoke_all()  # a 401, answered by the refresh token
        response = life.get()
        assert [r.status_code for r in (*response.history, response)] == [401, 200]
        sandbox.revoke_all(refresh_tokens=True)  # answered by a person
        assert life.get().status_code == 200
        world.show(*life.objects())

        clock.advance(3550)  # renewed early, in vain
        sandbox.fail(1, 503, {"error_description": life.auth.token().refresh_token})
        assert life.get().status_code == 200
        life.auth.forget()

    out, err = capfd.readouterr()
    assert sandbox.sign_ons == 2
    assert {"requests_oauthlib.oauth2_session", "urllib3.connectionpool"} <= said.names
    assert HTTPConnection.debuglevel == 0
    must_not_show(
        world.secrets,
        said="\n".join(said.lines),
        objects="\n".join(world.shown),
        titles=titles(),
        out=out,
        err=without_addresses(err + world.terminal.getvalue(), world),
        urls="\n".join(
            f"{r.path}?{r.query}" for r in sandbox.received if r.endpoint != "authorize"
        ),
    )


# -- what is kept ----------------------------------------------------------------


@pytest.mark.parametrize("way", [by_callable, in_two_steps], ids=lambda f: f.__name__)
def test_a_finished_sign_on_leaves_no_secret(world, clock, way, tmp_path):
    """State, verifier and code are new each time, and are kept nowhere."""
    life = Life(world, clock, way(world))
    for _ in range(3):
        world.sandbox.revoke_all(refresh_tokens=True)
        assert life.get().status_code == 200

    kept = texts_kept_by(life.auth, life.session)
    files = [path.read_text() for path in tmp_path.iterdir() if path.is_file()]
    used_up = [value for r in world.begun for value in (r.state, r.code_verifier)]
    codes = [value for value in world.sandbox.secrets if len(value) == 6]
    assert len(set(used_up)) == len(used_up) >= 6
    assert len(codes) == 3
    must_not_show({*used_up, *codes}, kept="\n".join(kept), files="\n".join(files))
    must_not_show({world.sandbox.client_secret}, files="\n".join(files))
    assert world.sandbox.client_secret in kept  # so far do we look


# -- the command -----------------------------------------------------------------


@pytest.mark.prints_secrets
def test_only_the_token_command_prints_a_token(sandbox, secrets, monkeypatch, tmp_path):
    """It prints to standard output."""
    sandbox.refresh_tokens = True
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    world = World(sandbox, tmp_path, monkeypatch)
    stamp = grant_of(world.client()).stamp
    kept = stamp.put_on(world.expired().replace(expires_at=4e9))
    shell.store.save(kept)

    token, status = shell.run("token"), shell.run("status")

    assert token.stdout == f"{kept.access_token}\n"
    assert kept.fingerprint in status.stdout
    others = f"{token.stderr}{token.args}{status.stdout}{status.stderr}{status.args}"
    must_not_show(world.secrets, others=others)
