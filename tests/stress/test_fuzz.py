"""Bad input: only the documented errors come out, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import re
from urllib.parse import parse_qs

import pytest
import requests
from fuzzing import Fuzzer, run
from samples import (
    DENIAL,
    GOOD,
    REDIRECT,
    REQUEST,
    Canned,
    Pasted,
    Target,
    must_be_whole,
)

from requests_ticktick import (
    AuthorizationRequest,
    EnvStore,
    FileStore,
    LockTimeoutError,
    Service,
    SignOnError,
    StateMismatchError,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenEndpointError,
    TokenStoreError,
)
from requests_ticktick._grant import single_use
from requests_ticktick._source.failures import Failure
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _token_file

IN_THE_SUITE, UNDER_STRESS = 2_000, 100_000


JSON = json.dumps(GOOD.to_dict())


LITERAL = repr(GOOD.to_dict())


ANSWER = json.dumps(
    {
        "access_token": "another-token",
        "token_type": "bearer",
        "expires_in": 15551999,
        "scope": "tasks:write tasks:read",
    }
)


REFUSAL = '{"error": "invalid_grant", "error_description": "Invalid code: c0de"}'


class Environment(Target):
    """A variable that somebody has set."""

    good = [LITERAL, JSON, f"'{LITERAL}'", '"tp_0123456789abcdef"', "tp_0123"]

    def __init__(self, folder, monkeypatch):
        # The real one has neither NUL nor more than 128 KiB.
        self.variables = {}
        monkeypatch.setattr(os, "environ", self.variables)

    def attempt(self, fuzzer, number):
        text = fuzzer.text(number)
        if number % 3 == 0:
            text = fuzzer.bytes(number).decode("utf-8", "surrogateescape")
        return text, lambda: self.load(text)

    def load(self, text):
        self.variables["A_TOKEN"] = text
        with contextlib.suppress(TokenStoreError):
            token = EnvStore("A_TOKEN").load()
            if token is not None:
                must_be_whole(token)


class File(Target):
    """A file that somebody has written."""

    good = [
        *(JSON, JSON.replace(" ", ""), LITERAL, "tp_0123456789abcdef"),
        '{"access_token": "a", "expire_time": 5}',
    ]

    def __init__(self, folder, monkeypatch):
        self.folder = folder / "file"
        self.folder.mkdir()
        self.store = FileStore(self.folder / "token.json")
        # Nobody is writing the file meanwhile.
        monkeypatch.setattr(_token_file, "READ_PAUSE_SECONDS", 0.0)

    def attempt(self, fuzzer, number):
        content = fuzzer.bytes(number)
        return content, lambda: self.load(content)

    def load(self, content):
        path = self.folder / "token.json"
        path.write_bytes(content)
        is_refused, token = False, None
        try:
            token = self.store.load()
        except TokenStoreError:
            is_refused = True

        assert os.listdir(self.folder) == ["token.json"]
        assert path.read_bytes() == content
        if token is not None:
            must_be_whole(token)
        try:
            self.store.save(GOOD)
        except TokenStoreError:
            assert is_refused or token is not None
            assert path.read_bytes() == content
        else:
            assert not is_refused
            self.was_saved(content if token is None else None)
        for name in os.listdir(self.folder):
            (self.folder / name).unlink()

    def was_saved(self, torn):
        saved = self.store.load()
        assert saved.access_token == GOOD.access_token
        assert saved.expires_at == GOOD.expires_at
        aside = [name for name in os.listdir(self.folder) if name != "token.json"]
        kept = [(self.folder / name).read_bytes() for name in aside]
        assert kept == ([] if torn is None else [torn])


class Saves(Target):
    """Tokens that a program has made, with all that it can put into them."""

    good = [LITERAL]

    def __init__(self, folder, monkeypatch):
        self.folder = folder / "saves"
        self.folder.mkdir()
        self.store = FileStore(self.folder / "token.json")
        self.store.save(GOOD)

    def attempt(self, fuzzer, number):
        text = fuzzer.text(number)
        nested, looped = text, [text]
        looped.append(looped)
        for _ in range(number * 13 % 3000):
            nested = [nested]
        odd = [text, text.encode("utf-8", "replace"), nested, looped, {text}, object()]
        value = odd[number % len(odd)]
        return text, lambda: self.save({text[:100]: value, "x": 10 ** (number % 9999)})

    def save(self, extra):
        token = Token("new", extra=extra)
        try:
            self.store.save(token)
        except TokenStoreError:
            token = GOOD
        assert os.listdir(self.folder) == ["token.json"]
        assert self.store.load().access_token == token.access_token
        self.store.delete()
        self.store.save(GOOD)


class Answers(Target):
    """What a token endpoint says; the file has a good token meanwhile."""

    good = [ANSWER, JSON, REFUSAL]

    def __init__(self, folder, monkeypatch):
        self.store = FileStore(folder / "answers.json")
        self.adapter = Canned()
        self.adapter.sent = []
        session = requests.Session()
        session.mount("https://", self.adapter)
        service = Service(
            "https://as.test/a",
            "https://as.test/t",
            "https://api.test",
            issuer="https://as.test",
        )
        self.auth = TickTickAuth(
            "id", "the-secret", store=self.store, service=service, session=session
        )

    def attempt(self, fuzzer, number):
        body = fuzzer.bytes(number)
        status = (200, 200, 200, 200, 201, 204, 302, 400, 401, 429, 500)[number % 11]
        self.adapter.answer = status, body
        return (status, body), lambda: self.exchange(REDIRECT)

    def exchange(self, redirected_url):
        self.store.delete()
        self.store.save(GOOD)
        single_use.completed.clear()
        kept = GOOD
        with contextlib.suppress(TokenEndpointError):
            kept = self.auth.complete_sign_on(REQUEST, redirected_url)
            must_be_whole(kept)
            assert 200 <= self.adapter.answer[0] < 300
        assert self.store.load() == kept


class Redirects(Answers):
    """Where somebody says they were redirected to."""

    good = [REDIRECT, DENIAL, REDIRECT.partition("?")[2], f"{REDIRECT}#x"]
    odd = [
        "?code=c0de&state=\ud800",
        "?code=c0de&state=%ff",
        "?code=c0de&state=right-state&state=right-state",
        "?code=c0de&code=c0de&state=right-state",
        "?code=\ud800&state=right-state",
        "?code=%00%0d%0a&state=right-state",
        "?code=%C3%A9&state=right-state",
        "?error=\ud800&error_description=\ud800&state=right-state",
    ]

    def attempt(self, fuzzer, number):
        text = fuzzer.text(number)
        self.adapter.answer = 200, ANSWER.encode()
        return text, lambda: self.complete(text)

    def complete(self, text):
        self.adapter.sent.clear()
        accepted = REQUEST.accepts(text)
        try:
            self.exchange(text)
        except StateMismatchError:
            assert not accepted
        except SignOnError:
            pass
        else:
            assert accepted
        assert accepted or not self.adapter.sent
        for form in self.adapter.sent:
            (code,) = parse_qs(form)["code"]
            assert re.fullmatch(r"[ -~]+", code)


class KeptRequests(Target):
    """What a web application finds in a person's session."""

    good = [json.dumps(REQUEST.to_dict()), '{"url": "u", "state": "s"}']
    odd = ['{"url": "u", "state": "abc\\ud800", "redirect_uri": "\\ud800"}']

    def attempt(self, fuzzer, number):
        text = fuzzer.text(number)
        return text, lambda: self.read(text)

    def read(self, text):
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            fields = text
        with contextlib.suppress(SignOnError):
            request = AuthorizationRequest.from_dict(fields)
            assert AuthorizationRequest.from_dict(request.to_dict()) == request
            request.code_from(f"?error=x&state={request.state}")


class Notes(Target):
    """What lies beside the lock: a note of its holder, and of a failure."""

    good = [
        Failure(
            TokenEndpointError("It is down.", status_code=503),
            "0123abcd",
            Stamp("id", "https://as.test/t", "tasks:read"),
        ).dump(),
        '{"pid": 1, "host": "here", "since": 1.5, "failure": null}',
    ]

    def __init__(self, folder, monkeypatch):
        self.store = FileStore(folder / "noted.json")
        self.note = folder / "noted.json.lock-info"

    def attempt(self, fuzzer, number):
        if number % 2:
            text = fuzzer.text(number)
            note = json.dumps({"failure": text}).encode()
            return text, lambda: self.read(note, text)
        note = fuzzer.bytes(number)
        return note, lambda: self.read(note, fuzzer.text(number))

    def read(self, note, failure):
        self.note.write_bytes(note)
        for text in (self.store.failure() or "", failure):
            found = Failure.load(text, "here")
            if found is not None:
                assert isinstance(found.error, TickTickAuthError)
                assert Failure.load(found.dump(), "here").asked == found.asked
        with self.store.lock(0.0), pytest.raises(LockTimeoutError) as caught:
            self.store.lock(0.0).__enter__()
        assert str(os.getpid()) in caught.value.holder
        with self.store.lock(0.0):
            self.store.record_failure("x")
            assert self.store.failure() == "x"


TARGETS = [
    *(Environment, File, Notes, Saves),
    *(Answers, Redirects, Pasted, KeptRequests),
]


def try_target(kind, numbers, folder, monkeypatch):
    fuzzer, target = (
        Fuzzer(kind.__name__, kind.good, kind.odd),
        kind(folder, monkeypatch),
    )
    run(kind.__name__, (target.attempt(fuzzer, number) for number in numbers))


@pytest.mark.parametrize("target", TARGETS, ids=lambda kind: kind.__name__)
def test_bad_input_ends_in_a_documented_error(target, tmp_path, monkeypatch):
    """Or in a token that can be used; within a second; and nothing is lost."""
    numbers = range(IN_THE_SUITE // len(TARGETS) + 1)
    try_target(target, numbers, tmp_path, monkeypatch)


@pytest.mark.stress
@pytest.mark.parametrize("target", TARGETS, ids=lambda kind: kind.__name__)
def test_much_bad_input_ends_in_a_documented_error(
    target, tmp_path, monkeypatch, tally
):
    """Fifty times as much of it."""
    numbers = range(UNDER_STRESS // len(TARGETS) + 1)
    with tally(f"bad input: {target.__name__}", len(numbers)):
        try_target(target, numbers, tmp_path, monkeypatch)
