"""A file that is not ours is never moved; what was ours may be replaced."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import pickle
import plistlib

import pytest
from click.testing import CliRunner
from clients import client_of
from contents import JSON, TOKEN, everything_in

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._cli.program import program

BOMB = '{"a":' * 100_000


FOREIGN = {
    "no token": "{}",
    "a list": '["hunter2"]',
    "null": "null",
    "a client": json.dumps({"installed": {"client_secret": "hunter2"}}),
    "a client, torn": '{"installed": {"client_secret": "hunt',
    "package.json": json.dumps({"name": "x", "version": "1.0.0"}, indent=2),
    "nested": json.dumps({"token": {"access_token": "hunter2"}}),
    "by account": json.dumps({"me@example.org": {"access_token": "hunter2"}}),
    "camelCase": json.dumps({"accessToken": "hunter2", "expiresAt": 1999999999}),
    "two words": json.dumps({"access_token": "hunter2 hunter2"}),
    "no text": json.dumps({"access_token": None}),
    "another type": json.dumps({"access_token": "hunter2", "token_type": "mac"}),
    ".env": "DATABASE_URL=postgres://db\nTICKTICK_ACCESS_TOKEN=hunter2\n",
    ".env of one line": "TICKTICK_ACCESS_TOKEN=hunter2\n",
    ".env, exported": "export TICKTICK_TOKEN='hunter2'\n",
    "YAML": "token: hunter2\n",
    "YAML lines": "ticktick:\n  access_token: hunter2\n",
    "TOML": '[ticktick]\naccess_token = "hunter2"\n',
    "INI": "[ticktick]\ntoken = hunter2\n",
    "netrc": "machine api.ticktick.com password hunter2\n",
    "a header": "Authorization: Bearer hunter2\n",
    "a key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
    "HTML": "<html>hunter2</html>",
    "an address": "https://ticktick.com/oauth/authorize?state=hunter2",
    "two tokens": f"{TOKEN}\n{TOKEN}\n",
    "a variable": "${TICKTICK_TOKEN}",
    "a shell's variable": "$TICKTICK_TOKEN",
    "a batch file's": "%TICKTICK_TOKEN%",
    "a template's": "<your token>",
    "None": "None",
    "a path": "/run/secrets/ticktick_token\n",
    "changed by nobody": "changeme\n",
    "undefined": "undefined\n",
    "base64": base64.b64encode(JSON.encode()).decode(),
    "base64 of a literal": base64.urlsafe_b64encode(b"{'access_token': 'x'}").decode(),
    "base64 without its end": base64.b64encode(JSON.encode()).decode().rstrip("="),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a pickle": pickle.dumps({"access_token": "hunter2"}),
    "UTF-16": "TICKTICK_TOKEN=hunter2".encode("utf-16"),
    "UTF-16, torn": JSON.encode("utf-16")[:-1] + b"\xd8",
    "Latin-1": "name: é\n".encode("latin-1"),
    "UTF-16 without a mark": JSON.encode("utf-16-le"),
    "UTF-32": JSON.encode("utf-32"),
    "gzip": gzip.compress(JSON.encode()),
    "a property list": plistlib.dumps({"access_token": "hunter2"}),
    "a binary property list": plistlib.dumps(
        {"access_token": "hunter2"}, fmt=plistlib.FMT_BINARY
    ),
    "JSON lines": f"{JSON}\n{JSON}\n",
    "JSON lines of others": '{"access_token": "hunter2"}\n{"event": "x"}',
    "commented JSON": '{\n  // mine\n  "access_token": "hunter2"\n}\n',
    "a list of tokens": json.dumps([{"access_token": "hunter2"}]),
    "deeper": json.dumps({"a": {"b": {"access_token": "hunter2"}}}),
    "Google's": json.dumps({"token": "hunter2", "refresh_token": "x", "expiry": "y"}),
    "AWS'": json.dumps({"startUrl": "x", "accessToken": "hunter2"}),
    "Docker's": json.dumps({"auths": {"x": {"auth": "hunter2"}}}),
    "npm's": "//registry.npmjs.org/:_authToken=hunter2\n",
    "a tuple": "('access_token', 'hunter2')",
    "a set": "{'access_token', 'hunter2'}",
    "a public key": "ssh-ed25519 hunter2 me@example.org\n",
    "a checksum": f"{'0' * 64}  hunter2\n",
    "a cookie": "session=hunter2",
    "brackets": BOMB,
    "a long literal": "{" + " " * 200_000 + "'a': hunter2",
    "10 MB": b" " * 10_000_000,
}


# -- what another program has written ------------------------------------------


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_another_programs_file_stays_as_it_is(write, path, secrets, content):
    """Nothing reads it as a token, moves, replaces or deletes it."""
    secrets.add("hunter2")
    store = write(content)
    before = everything_in(path.parent)

    for call in (store.load, lambda: store.save(Token("new")), store.delete):
        with pytest.raises(
            TokenStoreError, match=r"holds .* choose another place"
        ) as e:
            call()
        assert e.value.location == str(path)
        assert "hunter2" not in f"{e.value!r} {e.value.__context__!r}"

    assert everything_in(path.parent) == before


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"installed": {"access_token": "x"}}', "a token inside of something else"),
        ('{"accessToken": "x"}', "a token under the name 'accessToken'"),
        ('{"access_token": ""}', "a token that cannot be used"),
        ('{"name": "x"}', "JSON without an 'access_token'"),
        ('["x"]', "a list, and no object"),
    ],
)
def test_the_error_says_what_was_found(write, content, what):
    """So that a person knows which file it is."""
    with pytest.raises(TokenStoreError, match=f"holds {what}"):
        write(content).load()


def test_a_token_that_no_one_could_read_again_is_not_saved(write):
    """The one before stays."""
    store = write('{"access_token": "before"}')

    with pytest.raises(TokenStoreError, match=r"\(too large, or nested too deeply\)"):
        store.save(Token("a", extra={"x": "y" * 2_000_000}))

    assert store.load() == Token("before")


@pytest.mark.parametrize(
    "content",
    [
        *(
            "/x\n",
            "3.11.4\n",
            "12345\n",
            "db.internal.example",
            "x",
            f"{'0123456789' * 3}\n",
        ),
        *(f"ghp_{'a' * 36}", f"github_pat_{'A' * 30}", f"glpat-{'b' * 20}"),
        *(f"xoxb-{'1' * 12}-{'c' * 24}", f"AKIA{'D' * 16}", f"hf_{'e' * 34}"),
        *(f"sk-{'F' * 40}", f"npm_{'g' * 36}", "django-insecure-0123456789"),
    ],
)
def test_a_single_word_is_read_as_a_token_and_never_replaced(write, path, content):
    """It is read as ``EnvStore`` reads it, and replaced by nothing."""
    store = write(content)

    assert store.load() == Token(content.strip())
    for call in (lambda: store.save(Token("new")), store.delete):
        with pytest.raises(TokenStoreError, match="may be another program's"):
            call()
    assert path.read_text() == content


@pytest.mark.parametrize("command", ["status", "token", "logout", "login"])
def test_no_command_touches_another_programs_file(write, path, command):
    """It says what it found there, and ends."""
    write(FOREIGN[".env"])

    done = CliRunner().invoke(program, [command, "--file", str(path)])

    assert done.exit_code == 1
    assert "several lines of text" in done.output
    assert everything_in(path.parent) == {"t.json": FOREIGN[".env"].encode()}


def test_a_sign_on_is_not_begun_where_it_could_not_be_saved(sandbox, write):
    """The error says what is there."""
    auth = client_of(sandbox, write(FOREIGN["a client"]))

    with pytest.raises(TokenStoreError, match="JSON without an 'access_token'"):
        auth.token()

    assert sandbox.sign_ons == 0


def test_a_long_text_is_not_parsed_as_a_literal(write, monkeypatch):
    """Python would need seconds for it, and much memory."""
    monkeypatch.setattr(ast, "literal_eval", lambda text: {"access_token": "x"})

    with pytest.raises(TokenStoreError, match="neither JSON nor a token"):
        write(FOREIGN["a long literal"]).load()


READABLE = {
    "JSON": JSON,
    "ticktick-py's literal": repr(json.loads(JSON)),
    "a literal in quotes": f"'{json.loads(JSON)!r}'",
    "bare": TOKEN,
    "bare, with a line end": f"{TOKEN}\r\n",
    "bare, in quotes": f'"{TOKEN}"\n',
    "bare, in quotes twice": f"'\"{TOKEN}\"'",
    "a byte order mark": f"\ufeff{TOKEN}",
    "JSON after a byte order mark": f"\ufeff{JSON}\r\n",
    "JSON by PowerShell": JSON.encode("utf-16"),
    "JSON by another machine": b"\xfe\xff" + JSON.encode("utf-16-be"),
    "JSON and NULs": JSON + "\0" * 512,
}


# -- what can be read without guessing -----------------------------------------


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE)
def test_a_file_may_hold_a_token_in_any_usual_form(write, path, content):
    """The next token takes its place."""
    store = write(content)

    assert store.load().access_token == TOKEN
    store.save(Token("new"))

    assert everything_in(path.parent).keys() == {"t.json"}
    assert FileStore(path).load() == Token("new")


@pytest.mark.parametrize(
    "token",
    [
        *(TOKEN, "tp_0123456789abcdef", "dp_0", "abcdefghij0123456789"),
        *("abcdefab-cdef-abcd-efab-cdefabcdefab", "0123456789abcdef" * 2),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "W2FiY2RlZmdoaWprbG1ub3A",
    ],
)
def test_a_bare_token_is_replaced_by_the_next(write, path, token):
    """A personal API token, a UUID, a JWT, a long random text."""
    store = write(f"{token}\n")

    assert store.load() == Token(token)
    store.save(Token("new"))
    assert store.load() == Token("new")


@pytest.mark.parametrize(
    "text",
    [
        *("null", "None", "undefined", "true", "'null'", "(none)", "N/A"),
        *("${TICKTICK_TOKEN}", "$TICKTICK_TOKEN", "%TICKTICK_TOKEN%", "{{ token }}"),
        *(
            "changeme",
            "Change-Me",
            "your_token_here",
            "YOUR-TOKEN",
            "xxxx",
            "...",
            "--",
        ),
        *("REPLACE_WITH_TOKEN", "__TOKEN__", "@@TOKEN@@", "TICKTICK_TOKEN", "TODO"),
        *("tp_", "tp_xxxxxxxx", "dp_...", "tp_your_token_here", "access_token"),
        *("/run/secrets/ticktick_token", "~/token", "./token.txt", "../token"),
        *("tp_abc # mine", "export TICKTICK_TOKEN=x"),
        *("<token>", "TICKTICK_TOKEN=x", "x\ny", "Bearer x", '"x', "[x", '{"x'),
        base64.b64encode(JSON.encode()).decode(),
        base64.b64encode(b'[{"access_token": "a"}]').decode(),
    ],
)
def test_a_placeholder_in_a_variable_is_not_a_token(monkeypatch, text):
    """It was not filled in, or not taken out: the error says which."""
    monkeypatch.setenv("TICKTICK_TOKEN", text)

    with pytest.raises(
        TokenStoreError, match=r"TICKTICK_TOKEN holds no token: it holds "
    ):
        EnvStore("TICKTICK_TOKEN").load()


@pytest.mark.parametrize("text", ["", " ", "''", '""', "\ufeff", "\u200b", '" "\r\n'])
def test_an_empty_variable_is_as_one_that_is_not_set(monkeypatch, text, path):
    """Docker's ``--env-file`` keeps the quotes. The next store is read."""
    monkeypatch.setenv("TICKTICK_TOKEN", text)
    FileStore(str(path)).save(Token("of-the-file"))

    chain = ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore(str(path))])

    assert EnvStore("TICKTICK_TOKEN").load() is None
    assert chain.load() == Token("of-the-file")


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE)
def test_a_variable_holds_what_a_file_does(monkeypatch, content):
    """Line ends, quotes and a byte order mark around it mean nothing."""
    if isinstance(content, bytes) or "\0" in content:
        pytest.skip("no variable holds that")
    monkeypatch.setenv("TICKTICK_TOKEN", content)

    assert EnvStore("TICKTICK_TOKEN").load().access_token == TOKEN


# -- scopes and dates, from end to end -----------------------------------------


@pytest.mark.parametrize(
    "scope", ["tasks:read,tasks:write", "tasks:write, tasks:read", "", [], None]
)
def test_a_token_with_an_odd_scope_is_used(sandbox, write, scope):
    """Nobody is asked for what is granted already."""
    fields = {"access_token": sandbox.issue_token(), "scope": scope}
    store = write(json.dumps(fields))

    token = client_of(sandbox, store, sign_on=refuse).token()

    assert token.access_token == fields["access_token"]


def test_a_token_that_ended_in_milliseconds_has_expired(write, path):
    """It is not valid for twenty million days."""
    write(json.dumps({"access_token": "a", "expires_at": 1777636800000}))

    done = CliRunner().invoke(program, ["status", "--file", str(path)])

    assert done.exit_code == 1
    assert "expired on 2026-" in done.output
