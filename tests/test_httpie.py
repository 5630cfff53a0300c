"""``http -A ticktick``: the real command, against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from httpie_plugin import plugin_path
from raw_server import RawServer, answer

from requests_ticktick import FileStore, Token
from requests_ticktick._httpie_auth import CommandLineAuth

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "0123456789abcdef-httpie"


class Http:
    """Runs ``http`` as somebody who has signed on before."""

    def __init__(self, path, folder, sandbox):
        self._path = path
        self.folder = folder
        self.sandbox = sandbox
        self.variables = {
            "HTTPIE_CONFIG_DIR": str(folder / "httpie"),
            "PYTHONPATH": str(ROOT),
            "TICKTICK_SERVICE": sandbox.url(""),
            "TICKTICK_TOKEN_FILE": str(folder / "t.json"),
        }
        (folder / "httpie").mkdir()
        config = folder / "httpie" / "config.json"
        config.write_text('{"disable_update_warnings": true}')
        self.variables["PYTHONPATH"] += plugin_path(folder / "plugins")

    def __call__(self, *arguments, **variables):
        return subprocess.run(
            [self._path, "--ignore-stdin", *arguments],
            env={**os.environ, **self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def api(self):
        return self.sandbox.url("/open/v1/project")

    def saved(self):
        """Return all that HTTPie has written."""
        files = [path for path in (self.folder / "httpie").rglob("*") if path.is_file()]
        return "".join(path.read_text() for path in files)


@pytest.fixture
def http(require, require_module, tmp_path, sandbox, secrets):
    """The command, with a token where it is kept by default."""
    require_module("httpie")
    secrets.add(TOKEN)
    FileStore(tmp_path / "t.json").save(Token(sandbox.issue_token(TOKEN)))
    return Http(require("http"), tmp_path, sandbox)


def test_it_sends_the_token(http):
    """``-A`` alone is enough, and the output is the response."""
    result = http("-A", "ticktick", "--body", http.api)

    assert result.returncode == 0, result.stderr
    assert [project["name"] for project in json.loads(result.stdout)]
    assert result.stderr == ""
    assert http.sandbox.received[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_session_keeps_the_account_and_no_token(http):
    """The second call needs no ``-A``."""
    FileStore(profile="work").save(Token(TOKEN))

    first = http("--session=mine", "-A", "ticktick", "-a", "work", "--body", http.api)
    second = http("--session=mine", "--body", http.api)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert '"raw_auth": "work"' in http.saved()
    assert TOKEN not in http.saved()


SECRETS = {
    "a personal API token": "tp_0123456789",
    "one of Dida365": "DP_0123456789",
    "an access token": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "the same without dashes": "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
    "a long text": "x" * 41,
    "a user and a password": "me:hunter2",
    "a password": "!hunter2",
}


def test_a_secret_is_refused_and_not_saved(http):
    """``-a`` goes into the file of a session."""
    secret = SECRETS["a user and a password"]

    result = http("--session=mine", "-A", "ticktick", f"-a={secret}", http.api)

    assert result.returncode == 1
    assert result.stderr.strip().startswith("http: error: InvalidTokenError: -a takes")
    assert "Traceback" not in result.stderr
    assert secret not in result.stderr + result.stdout + http.saved()
    assert http.sandbox.received == []


def test_no_token_is_an_error_with_the_command_to_run(http):
    """HTTPie owns standard input, so that nobody is asked."""
    (http.folder / "t.json").unlink()

    result = http("-A", "ticktick", http.api)

    assert result.returncode == 1
    assert "http: error: SignOnRequiredError: No usable TickTick token" in result.stderr
    assert "Run: requests-ticktick login" in result.stderr
    assert "Traceback" not in result.stderr
    assert http.sandbox.received == []


@pytest.mark.parametrize("name", ["TICKTICK_SERVICE", "TICKTICK_PROFILE"])
def test_a_variable_that_names_nothing_is_an_error(http, name):
    """And no traceback."""
    result = http("-A", "ticktick", http.api, **{name: "no such: thing"})

    assert result.returncode == 1
    assert "http: error: TickTickAuthError: " in result.stderr
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_another_host_gets_no_token_and_is_told_of_once(http):
    """It gets the request all the same."""
    with RawServer(lambda *_: answer(401, b"{}")) as other:
        result = http("-A", "ticktick", other.url())

    assert result.returncode == 0
    assert result.stderr.count("no token was sent to http://127.0.0.1") == 1
    assert b"uthorization" not in b"".join(other.requests)


@pytest.mark.parametrize("url", ["http://api.ticktick.com/open/v1/project"])
def test_plain_http_gets_no_token_and_is_told_of_once(http, url):
    """By the library, which knows the right address."""
    result = http("-A", "ticktick", "--offline", url, TICKTICK_SERVICE="ticktick")

    assert result.returncode == 0
    assert "Authorization" not in result.stdout
    assert result.stderr.lower().count("no token was sent to") == 1
    assert "Call https://api.ticktick.com/open/v1/..." in result.stderr


def test_a_redirect_to_another_host_gets_no_token(http):
    """``--follow`` goes there without."""
    with RawServer(lambda *_: answer(200, b'{"elsewhere": 1}')) as other:
        there = other.url().replace("127.0.0.1", "localhost")
        headers = {"Location": f"{there}/open/v1/project"}
        http.sandbox.fail(1, 302, endpoint="api", headers=headers)
        result = http("-A", "ticktick", "--follow", "--body", http.api)

    assert json.loads(result.stdout) == {"elsewhere": 1}
    assert http.sandbox.received[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    assert b"uthorization" not in b"".join(other.requests)


def test_nothing_is_sent_offline(http):
    """``--offline`` shows what would be."""
    result = http("-A", "ticktick", "--offline", http.api)

    assert f"Authorization: Bearer {TOKEN}" in result.stdout
    assert http.sandbox.received == []


def test_debugging_shows_no_token(http):
    """``--debug`` prints the arguments of requests, the auth included."""
    result = http("-A", "ticktick", "--debug", "--body", http.api)

    assert result.returncode == 0
    assert "<CommandLineAuth profile=None>" in result.stderr
    assert TOKEN not in result.stderr + result.stdout


def test_a_refused_token_is_a_status(http):
    """``--check-status`` makes it 4, for scripts."""
    http.sandbox.revoke_all()

    result = http("-A", "ticktick", "--check-status", http.api)

    assert result.returncode == 4
    assert "The API refused the token. " in result.stderr
    assert "requests-ticktick login" in result.stderr


def test_a_token_that_another_process_renewed_is_used(http):
    """A 401 is answered once; ``http`` sees the second response."""
    FileStore(http.folder / "t.json").save(Token("revoked-0123456789abcdef"))
    code = f"""
from httpie.core import main
from requests_ticktick import FileStore, Token
from requests_ticktick._source import TokenSource
ask = TokenSource.token
def renewed(self, *, instead_of=None):
    if instead_of is not None:
        FileStore({str(http.folder / "t.json")!r}).save(Token({TOKEN!r}))
    return ask(self, instead_of=instead_of)
TokenSource.token = renewed
raise SystemExit(main())
"""
    command = [sys.executable, "-c", code, "--ignore-stdin", "-A", "ticktick"]

    result = subprocess.run(
        [*command, "--check-status", "--body", http.api],
        env={**os.environ, **http.variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)


def test_http_starts_as_it_does_without(http):
    """It imports the plugin at every start; the modules are counted."""
    code = (
        "import sys\n"
        "from httpie.core import main\n"
        "status = main(['http', '--version'])\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code]

    def modules(path):
        env = {**os.environ, **http.variables, "PYTHONPATH": path}
        result = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=True
        )
        return set(result.stderr.split())

    known = modules(http.variables["PYTHONPATH"])

    ours = {name for name in known if name.startswith("requests_ticktick")}
    expected = {"requests_ticktick", "requests_ticktick._lazy"}
    assert ours == {*expected, "requests_ticktick.httpie"}
    assert not {"requests_oauthlib", "oauthlib", "filelock", "platformdirs"} & known


def test_the_plugin_is_listed(http):
    """``http --help`` says what ``-A`` takes."""
    result = http("--help")

    assert "ticktick" in result.stdout


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_each_kind_of_secret_is_refused(secret):
    """HTTPie is told of no profile, and shows the auth."""
    auth = CommandLineAuth(secret)

    assert auth.profile is None
    assert secret not in repr(auth)
    with pytest.raises(requests.RequestException, match="-a takes") as raised:
        auth(requests.Request("GET", "https://api.ticktick.com/open/v1").prepare())
    assert secret not in str(raised.value)
