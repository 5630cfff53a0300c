"""Bad input: only the documented errors come out, and nothing is lost."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import pickle
import re
import sys
from urllib.parse import parse_qs, urlencode

import pytest
import requests
from fuzzing import Fuzzer, run
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from requests_ticktick import (
    AuthorizationRequest,
    ConsoleSignOn,
    EnvStore,
    FileStore,
    InvalidTokenError,
    LockTimeoutError,
    MemoryStore,
    Service,
    SignOnError,
    SignOnRequiredError,
    StateMismatchError,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenEndpointError,
    TokenStoreError,
)
from requests_ticktick._grant import single_use
from requests_ticktick._grant.error_text import hint
from requests_ticktick._source.failures import Failure
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _payload, _token_file

IN_THE_SUITE, UNDER_STRESS = 2_000, 100_000

GOOD = Token(
    "628ff081-5331-4a37-8ddc-021974c9f43a",
    expires_at=4e9,
    issued_at=1.8e9,
    scope="tasks:read tasks:write",
    refresh_token="a-refresh-token",
)
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

REQUEST = AuthorizationRequest(
    "https://as.test/authorize?state=right-state&client_id=x",
    state="right-state",
    redirect_uri="http://127.0.0.1:1/callback",
    code_verifier="the-verifier",
    issuer="https://as.test",
    client_id="id",
    token_endpoint="https://as.test/t",
)
REDIRECT = f"{REQUEST.redirect_uri}?code=c0de&state=right-state"
DENIAL = f"{REQUEST.redirect_uri}?error=access_denied&state=right-state"


def must_be_whole(token):
    """What came in as a token can be used, compared, shown and kept."""
    assert re.fullmatch(r"[!-~]+", token.access_token)
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))).expires_at == (
        token.expires_at
    )
    assert token == pickle.loads(pickle.dumps(token))
    assert hash(token) == hash(token.replace())
    assert repr(token).isprintable()
    Stamp("x", "y", "z").fits(token)
    MemoryStore(token)


# -- the targets -----------------------------------------------------------------


class Target:
    """What takes input from outside.

    Its ``attempt(fuzzer, number)`` returns an input, and what tries it.

    :param folder: For its files.
    """

    good: list[str] = []
    odd: list[str] = []

    def __init__(self, folder, monkeypatch):
        pass


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
        monkeypatch.setattr(_token_file, "_READ_PAUSE_SECONDS", 0.0)

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


class Canned(BaseAdapter):
    """A token endpoint that answers with whatever it was given."""

    def send(self, request, **kwargs):
        self.sent.append(request.body)
        response = requests.Response()
        response.status_code, body = self.answer
        response.raw = io.BytesIO(body)
        response.url, response.request = request.url, request
        return response

    def close(self):
        pass


class Answers(Target):
    """What a token endpoint says; the file has a good token meanwhile."""

    good = [ANSWER, JSON, REFUSAL]

    def __init__(self, folder, monkeypatch):
        self.store = FileStore(folder / "answers.json")
        self.adapter = Canned()
        self.adapter.sent = []
        session = requests.Session()
        session.mount("https://", self.adapter)
        service = Service("https://as.test/a", "https://as.test/t", "https://api.test")
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
        single_use._completed.clear()
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


class Pasted(Target):
    """What somebody pastes at a terminal."""

    #: What is said of TickTick's own errors, whose words may be among it.
    translations = {
        hint(words, REQUEST.redirect_uri)
        for words in (
            "redirect_uri must be registered",
            "registered values",
            "invalid_client",
        )
    }

    good = [
        *(f"{REDIRECT}\n", f'"{REDIRECT}"\n', f"<{REDIRECT}>\n", "c0de\n"),
        f"{REQUEST.url}\nc0de\n\n{DENIAL}\n",
        f"\x1b[200~{REDIRECT}\x1b[201~\n",
    ]

    def attempt(self, fuzzer, number):
        if number % 2:
            text = fuzzer.text(number)
            return text, lambda: self.paste(io.StringIO(text), bare=number % 4 == 1)
        data = fuzzer.bytes(number)
        typed = io.TextIOWrapper(io.BytesIO(data), "utf-8")
        return data, lambda: self.paste(typed, bare=number % 4 == 2)

    def paste(self, typed, *, bare):
        shown = io.StringIO()
        console = ConsoleSignOn(
            input=typed, output=shown, allow_bare_code=bare, timeout=60
        )
        try:
            url = console(REQUEST)
        except (SignOnError, SignOnRequiredError):
            pass
        else:
            assert REQUEST.accepts(url)
            with contextlib.suppress(SignOnError):
                REQUEST.code_from(url)
        _, _, answers = shown.getvalue().partition("press Enter:\n")
        for answer in answers.splitlines():
            begins = f"The address begins with {REQUEST.redirect_uri}"
            assert answer.endswith(begins) or answer in self.translations
            assert answer in self.translations or len(answer) < 200


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


# -- by Hypothesis ---------------------------------------------------------------

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["bearer", "a", "3600", GOOD.access_token, 10**400])
)
odd_leaves = leaves | st.binary(max_size=5) | st.complex_numbers() | st.just(...)


def nested(leaf):
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner) | st.dictionaries(names, inner),
        max_leaves=10,
    )


names = st.sampled_from(sorted(GOOD.to_dict())) | st.text(max_size=5)
OPTIONAL = {*GOOD.to_dict(), "x", "client_id"} - {"access_token"}
payloads = st.fixed_dictionaries(
    {"access_token": st.just("a") | leaves},
    optional={name: nested(leaves) for name in OPTIONAL},
)


@given(payload=payloads | nested(leaves))
def test_any_json_is_a_token_or_refused(payload):
    """From a file or from a server: nothing in between, and no other error."""
    for read in (Token.from_dict, lambda p: Token.from_response(p, now=1.8e9)):
        with contextlib.suppress(InvalidTokenError):
            must_be_whole(read(payload))


@given(
    value=st.dictionaries(names | odd_leaves, nested(odd_leaves)), quote=st.booleans()
)
def test_any_literal_is_a_token_or_refused(value, quote):
    """Also where it has what JSON has not: bytes, tuples, numbers as keys."""
    text = f'"{value!r}"' if quote else repr(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {"A_TOKEN": text})
        with contextlib.suppress(TokenStoreError):
            must_be_whole(EnvStore("A_TOKEN").load())


@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(["code", "state", "error", "error_description", "x"]),
            st.sampled_from(["right-state", "c0de", ""]) | st.text(max_size=9),
        ),
        max_size=6,
    ),
    around=st.sampled_from(["{}", "?{}", "http://127.0.0.1:1/callback?{}#x", " {}\n"]),
)
def test_a_code_is_taken_from_its_own_redirect_and_from_no_other(fields, around):
    """One right state, no error, one code in visible ASCII: else an error."""
    url = around.format(urlencode(fields, errors="surrogatepass"))
    values = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    right = values.get("state") == ["right-state"]
    code = values.get("code", [""])
    good = right and len(values.get("error", [])) != 1 and len(code) == 1
    good = good and re.fullmatch(r"[ -~]+", code[0]) is not None

    try:
        found = REQUEST.code_from(url)
    except StateMismatchError:
        assert not right
    except SignOnError:
        assert not good
    else:
        assert good
        assert found == code[0]


@given(
    lines=st.lists(
        st.sampled_from([REDIRECT, DENIAL, REQUEST.url, "c0de", "'", "<>"]) | st.text()
    )
)
def test_any_paste_is_the_redirect_or_an_error(lines):
    """Quotes, marks of a terminal, other addresses: nothing gets through."""
    Pasted(None, None).paste(io.StringIO("\n".join(lines)), bare=False)


# -- by example ------------------------------------------------------------------


def test_a_bomb_in_a_compressed_answer_ends_early():
    """A hundred megabytes of zeros in a hundred kilobytes."""

    class Compressed(Canned):
        def send(self, request, **kwargs):
            response = super().send(request, **kwargs)
            response.raw = HTTPResponse(
                io.BytesIO(gzip.compress(bytes(100_000_000), 9)),
                headers={"Content-Encoding": "gzip"},
                preload_content=False,
            )
            return response

    session = requests.Session()
    adapter = Compressed()
    adapter.sent, adapter.answer = [], (200, b"")
    session.mount("https://", adapter)
    service = Service("https://as.test/a", "https://as.test/t", "https://api.test")
    auth = TickTickAuth("id", "the-secret", service=service, session=session)

    with pytest.raises(TokenEndpointError, match="not a JSON object"):
        auth.complete_sign_on(REQUEST, REDIRECT)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "further",
    [
        pytest.param("x" * 900_000, id="large"),
        pytest.param("x" * 2_000_000, id="too large"),
        pytest.param(deep(20), id="nested"),
        pytest.param(deep(200), id="nested too deeply"),
        pytest.param(deep(100_000), id="nested without end"),
    ],
)
def test_no_store_keeps_what_it_could_not_read_again(further):
    """Else the next load would set it aside, and the token would be lost."""
    token = Token("a", extra={"x": further})
    try:
        text = _payload.dump(token, None, "here")
    except TokenStoreError:
        return

    assert _payload.parse(text).token is not None


@pytest.mark.parametrize(
    "note",
    [
        '{"claim": {}, "pid": 1.5, "since": 1e999}',
        '{"claim": true, "pid": null}',
        '{"claim": 1, "pid": 1, "since": "x"}',
        '{"claim": 1, "pid": 1, "since": null}',
        f'{{"claim": 1, "pid": {2**70}}}',
        f'{{"claim": 1, "pid": {-(2**70)}}}',
    ],
)
def test_a_strange_note_beside_the_lock_keeps_nobody_out(tmp_path, monkeypatch, note):
    """Whoever takes the lock first in a process looks who has announced it."""
    store = FileStore(tmp_path / "token.json")
    (tmp_path / "token.json.lock-info").write_text(note)
    monkeypatch.delitem(sys.modules, "filelock", raising=False)

    with store.lock(5.0):
        assert store.failure() is None
