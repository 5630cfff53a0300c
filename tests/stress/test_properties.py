"""Properties of all input, found by Hypothesis, and single hostile examples."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import sys
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    DENIAL,
    GOOD,
    REDIRECT,
    REQUEST,
    Canned,
    Pasted,
    must_be_whole,
    names,
    nested,
)
from urllib3.response import HTTPResponse

from requests_ticktick import (
    EnvStore,
    FileStore,
    InvalidTokenError,
    Service,
    SignOnError,
    StateMismatchError,
    TickTickAuth,
    Token,
    TokenEndpointError,
    TokenStoreError,
)
from requests_ticktick.stores import _payload

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["bearer", "a", "3600", GOOD.access_token, 10**400])
)


odd_leaves = leaves | st.binary(max_size=5) | st.complex_numbers() | st.just(...)


OPTIONAL = {*GOOD.to_dict(), "x", "client_id"} - {"access_token"}


payloads = st.fixed_dictionaries(
    {"access_token": st.just("a") | leaves},
    optional={name: nested(leaves) for name in OPTIONAL},
)


# -- by Hypothesis -------------------------------------------------------------


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


# -- by example ----------------------------------------------------------------


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
    service = Service(
        "https://as.test/a",
        "https://as.test/t",
        "https://api.test",
        issuer="https://as.test",
    )
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
