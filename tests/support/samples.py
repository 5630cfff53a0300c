"""What the fuzzer and the properties share: a token, a redirect, targets."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re

import requests
from hypothesis import strategies as st
from requests.adapters import BaseAdapter

from requests_ticktick import (
    AuthorizationRequest,
    ConsoleSignOn,
    MemoryStore,
    SignOnError,
    SignOnRequiredError,
    Token,
)
from requests_ticktick._grant.advice import hint
from requests_ticktick._stamp import Stamp

GOOD = Token(
    "628ff081-5331-4a37-8ddc-021974c9f43a",
    expires_at=4e9,
    issued_at=1.8e9,
    scope="tasks:read tasks:write",
    refresh_token="a-refresh-token",
)


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


class Target:
    """What takes input from outside.

    Its ``attempt(fuzzer, number)`` returns an input, and what tries it.

    :param folder: For its files.
    """

    good: list[str] = []
    odd: list[str] = []

    def __init__(self, folder, monkeypatch):
        pass


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


def nested(leaf):
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner) | st.dictionaries(names, inner),
        max_leaves=10,
    )


names = st.sampled_from(sorted(GOOD.to_dict())) | st.text(max_size=5)
