"""The documentation does what it says: its examples run, and its stores keep."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import test_readme
import workers
from clients import Person, client_of
from pages import DOCS, blocks_of, code_of, example, page

import requests_ticktick
from requests_ticktick import (
    EnvStore,
    FileStore,
    LoopbackSignOn,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenEndpointError,
    TokenStoreError,
    _errors,
    refuse,
)
from requests_ticktick._cli import output
from requests_ticktick._client import Client
from requests_ticktick._grant.advice import hint
from requests_ticktick._grant.no_response import explain
from requests_ticktick.pytest_plugin import ticktick_offline as ticktick_offline
from requests_ticktick.testing import TokenStoreContract

#: Runs a block where TickTick is the sandbox.
run = test_readme.run


# -- what no page teaches ----------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        r"-H .{0,3}Authorization",  # curl's argument
        r"(?:^|\s)(sudo|env|docker run|ssh)\s[^|]*(TOKEN|SECRET)=\S",
        r"--(client-)?(secret|token)[ =]",  # there is no such option, either
    ],
)
def test_no_page_puts_a_secret_into_a_command_line(pattern):
    """Every user of a machine can read the command lines of all programs."""
    root = DOCS.parent
    pages = [root / "README.rst", *DOCS.glob("*.rst"), *DOCS.glob("examples/*.py")]
    commands = [*(root / "requests_ticktick" / "_cli").glob("*.py")]
    assert commands
    for path in [*pages, *commands]:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        found = [line for line in text.splitlines() if re.search(pattern, line)]
        assert found == [], path


# -- How do I write a store of my own? ---------------------------------------------


def contract_of_the_page():
    """The class of tests that the page ends in."""
    (code,) = blocks_of(page("own-store"))
    example("sqlite_store")
    names = {"__name__": __name__}
    exec(compile(code, "own-store.rst", "exec"), names)
    return names["TestSQLiteStore"]


TestSQLiteStore = contract_of_the_page()


class TestCacheStore(TokenStoreContract):
    """The example over a cache, here a plain dict."""

    shared = False

    @pytest.fixture
    def store(self, tmp_path):
        cache_store = example("cache_store")
        return cache_store.CacheStore(cache_store.DictCache(str(tmp_path)))

    @contextlib.contextmanager
    def outage(self, store):
        store.cache.is_down = True
        yield
        store.cache.is_down = False


@pytest.fixture(params=["sqlite", "cache"])
def own_store(request, tmp_path):
    if request.param == "sqlite":
        return example("sqlite_store").SQLiteStore(tmp_path / "tokens.db")
    cache_store = example("cache_store")
    return cache_store.CacheStore(cache_store.DictCache(str(tmp_path)))


def test_a_store_of_ones_own_keeps_the_sign_on(sandbox, own_store):
    """What is raised under its lock comes out, and the next one finds the token."""
    person = Person(sandbox)
    nobody = client_of(sandbox, own_store, sign_on=refuse)
    with pytest.raises(SignOnRequiredError):
        nobody.token()

    token = client_of(sandbox, own_store, sign_on=person).token()

    assert nobody.token() == token
    assert person.asked == 1


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_processes_that_share_the_database_sign_on_once(sandbox, tmp_path):
    """All at once they open it for the first time."""
    example("sqlite_store")
    for number in range(5):
        store = example("sqlite_store").SQLiteStore(tmp_path / f"{number}.db")
        auth = client_of(sandbox, store)

        results = workers.herd("fork", 8, 1, auth, sandbox.url("/open/v1/project"))

        assert [status for status, _ in results] == [200] * 8
        assert sandbox.sign_ons == number + 1


def test_the_database_is_private(tmp_path):
    """None of its files is for others to read."""
    store = example("sqlite_store").SQLiteStore(tmp_path / "tokens.db")

    with store.lock(1):
        store.save(Token("t"))

    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.glob("tokens.db*")}
    names = ["tokens.db", "tokens.db.lock", "tokens.db.lock-info"]
    assert modes == dict.fromkeys(names, 0o600)


def test_a_database_that_cannot_be_used_is_named(tmp_path):
    """A folder that is missing, a file that is something else."""
    (tmp_path / "text").write_text("no database, and long enough to be seen as none")
    sqlite_store = example("sqlite_store").SQLiteStore

    for path, problem in (
        (tmp_path / "nowhere" / "tokens.db", "No such file or directory"),
        (tmp_path / "text", "DatabaseError"),
    ):
        with pytest.raises(TokenStoreError, match=f"Cannot read.*{problem}") as caught:
            sqlite_store(path).load()
        assert caught.value.location == str(path)


def test_a_store_of_ones_own_takes_twenty_five_lines():
    """Docstrings, imports and all."""
    text = (DOCS / "examples" / "sqlite_store.py").read_text(encoding="utf-8")

    assert len([line for line in text.splitlines() if line.strip()]) <= 25


def test_a_lock_in_a_cache_that_expired_is_anybodys(tmp_path):
    """Its old owner does not remove the new one's."""
    cache_store = example("cache_store")
    cache = cache_store.DictCache(str(tmp_path))
    store = cache_store.CacheStore(cache, lock_expiry=0.0)

    with store.lock(0), store.lock(0):
        cache.set("requests-ticktick:lock", "another's", timeout=60)

    assert cache.get("requests-ticktick:lock") == "another's"


# -- How do I test my program? -----------------------------------------------------


def test_the_tests_of_the_example_program_pass():
    """They run as a reader would run them."""
    program = DOCS / "examples" / "test_program.py"
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(program)],
        env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


# -- The pages ---------------------------------------------------------------------


def test_the_blocks_of_getting_started_sign_on(run, sandbox, capsys):
    """First by the browser, then with a token that was pasted."""
    sandbox.issue_token("tp_abc")

    names = run(code_of("getting-started").replace("tp_...", "tp_abc"))

    assert capsys.readouterr().out.split() == ["Groceries", "Work", "Reading"]
    assert names["session"].auth.token().access_token == "tp_abc"
    assert sandbox.sign_ons == 1


def test_the_block_about_unattended_jobs_asks_nobody(run):
    """It says so instead."""
    names = run(code_of("unattended"))

    with pytest.raises(SignOnRequiredError):
        names["auth"].token()


def test_the_blocks_about_parallel_workers_run(run):
    """A copy has the store of its original, and accounts have theirs."""
    names = run(code_of("parallel-workers"))

    paths = {name: names[name].source.store.path for name in ("copy", "auth", "work")}
    assert paths["copy"] == paths["auth"] == "/srv/app/ticktick.json"
    assert Path(paths["work"]).name == "work.json"
    assert names["store"].lock_timeout == 30


def test_the_blocks_about_redis_carry_the_token_over(
    run, sandbox, start_redis, require_module, monkeypatch
):
    """Nobody has to sign on again."""
    redis = require_module("redis")
    from redis_server import kept_clients

    token = client_of(sandbox, FileStore()).token()
    server = start_redis()
    with kept_clients(redis, monkeypatch):
        here = f"port={server.port}"
        names = run(code_of("redis").replace('host="cache.internal"', here))

        assert names["auth"].token() == token
        assert names["store"].load() == token
    assert sandbox.sign_ons == 1


def test_the_block_about_large_fleets_hands_the_token_to_the_workers(
    run, sandbox, start_redis, require_module, tmp_path
):
    """One program of a machine asks Redis; the workers read a file, and no more."""
    require_module("redis")
    sandbox.refresh_tokens = True
    code = code_of("costs").replace("/run/ticktick", str(tmp_path))

    names = run(code.replace('host="cache.internal"', f"port={start_redis().port}"))

    names["store"].delete()
    worker = client_of(sandbox, FileStore(tmp_path / "token.json"), sign_on=refuse)
    assert worker.token().access_token == names["token"].access_token
    assert names["token"].refresh_token is not None
    assert worker.token().refresh_token is None
    assert sandbox.sign_ons == 1


def test_the_blocks_about_tests_run(monkeypatch, ticktick_offline):
    """A program is tested as it is; a token that is given asks nobody."""

    def titles():
        url = "https://api.ticktick.com/open/v1/project"
        response = requests.get(url, auth=TickTickAuth(), timeout=30)
        return [each["name"] for each in response.json()] if response.ok else []

    monkeypatch.setitem(sys.modules, "my_program", SimpleNamespace(titles=titles))
    names = {}
    exec(code_of("testing"), names)

    names["test_my_program"](ticktick_offline)
    assert names["auth"].token().access_token == "a-token"


def test_the_block_about_the_log_runs(run, monkeypatch):
    """At the level that shows everything."""
    levels = []
    monkeypatch.setattr(logging, "basicConfig", lambda level: levels.append(level))

    run(code_of("errors"))

    assert levels == [logging.DEBUG]


def test_no_page_has_a_python_block_that_is_not_run():
    """A new page with one fails here until it is run above, or in a file beside."""
    pages = {path.stem for path in DOCS.glob("*.rst")}

    with_blocks = {name for name in pages if "code-block:: python" in page(name)}

    assert with_blocks == {
        "accounts",
        "costs",
        "errors",
        "expiry",
        "getting-started",
        "many-people",
        "mcp",
        "migrating",
        "notebooks",
        "other-clients",
        "own-store",
        "parallel-workers",
        "proxy",
        "redis",
        "testing",
        "unattended",
    }


def test_every_error_has_a_section_about_what_to_do():
    """And none has one that is gone."""
    public = {
        name
        for name, value in vars(_errors).items()
        if isinstance(value, type) and issubclass(value, TickTickAuthError)
    }

    sections = re.findall(r"^``(\w+Error)``\n-+$", page("errors"), re.MULTILINE)

    assert {*sections, "TickTickAuthError"} == public
    assert len(sections) == len(set(sections))


#: As requests raises them.
NO_ANSWER = (
    requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
    requests.exceptions.SSLError(ssl.SSLCertVerificationError()),
    OSError("Could not find a suitable TLS CA certificate bundle, invalid path: x"),
)


def _no_more_threads(thread):
    raise RuntimeError("can't start new thread")


def test_what_the_page_of_errors_quotes_is_what_is_said(
    sandbox, caplog, tmp_path, monkeypatch
):
    """A reader who looks for a message finds it there."""
    quoted = re.findall(r'\*"(.+?)"\*', page("errors"))
    nobody = Client()
    said = [_message(nobody.require_id), _message(nobody.require_secret)]

    with requests.Session() as session:
        session.auth = client_of(sandbox)
        sandbox.reissue = True
        sandbox.fail(3, 401, endpoint="api")
        session.get(sandbox.url("/open/v1/project"))
        session.get(sandbox.url("/open/v1/project"))
    paused = client_of(sandbox, sign_on=Person(sandbox, SignOnTimeoutError("late")))
    for _ in range(2):
        with pytest.raises(SignOnTimeoutError):
            paused.token()
    said += [record.getMessage() for record in caplog.records]
    said += [explain(error) for error in NO_ANSWER]
    sandbox.fail(1, 403, f"<html><title>{sandbox.client_secret}</title></html>")
    with pytest.raises(TokenEndpointError) as caught:
        client_of(sandbox).token()
    said.append(str(caught.value))

    monkeypatch.setenv("TICKTICK_TOKEN", "/run/secrets/ticktick")
    said.append(_message(EnvStore("TICKTICK_TOKEN").load))
    (tmp_path / "t.json").write_text("several\nlines")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    said.append(_message(FileStore(tmp_path / "t.json").load))
    store = FileStore(tmp_path / "open" / "t.json")
    said.append(_message(lambda: store.save(Token("a"))))
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "t.json")
    said.append(_message(FileStore().load))
    no_browser = LoopbackSignOn(open_url=lambda url: False, browser_timeout=5.0)
    said.append(_message(client_of(sandbox, sign_on=no_browser).token))
    monkeypatch.setattr(threading.Thread, "start", _no_more_threads)
    said.append(_message(client_of(sandbox, sign_on=LoopbackSignOn()).token))
    monkeypatch.setattr(output, "discard", lambda stream: None)
    said.append(output.unwritable(OSError(28, "No space left on device")).message)
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", None)
        with pytest.raises(output.CommandError) as closed:
            output.require_output()
    said.append(closed.value.message)

    assert quoted
    assert [text for text in quoted if not any(text in each for each in said)] == []


def test_ticktick_s_own_texts_are_translated_as_the_page_says():
    """The messages have hints for those about the app, as for those the page has."""
    texts = re.findall(r"^``([^`]+)``\n    \S", page("errors"), re.MULTILINE)

    hints = [hint(text, "http://127.0.0.1/") for text in texts]

    assert [text is not None for text in hints] == [True, True, True, False]


def _message(call):
    with pytest.raises((SignOnRequiredError, SignOnError, TokenStoreError)) as caught:
        call()
    return str(caught.value)


def test_every_public_name_is_in_the_reference():
    """Those of the package itself, and the errors."""
    text = page("api")

    listed = set(re.findall(r"^\.\. (?:auto\w+|data):: (\w+)$", text, re.MULTILINE))

    assert listed == set(requests_ticktick.__all__) - {"__version__"}
