"""``import``: the tokens of other clients."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time

import pytest
from shell import COMMAND, Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._stamp import Stamp

SOON = int(time.time()) + 86_400 * 90


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def token(sandbox, secrets):
    """An access token that the sandbox knows."""
    access_token = sandbox.issue_token("0d2f8a3c-7b1e-4c5d-9a6f-112233445566")
    secrets.add(access_token)
    return access_token


def home(path):
    path = os.path.expanduser(f"~/{path}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def here(shell, name):
    return str(shell.folder / name)


def put(path, content):
    with open(path, "w") as file:
        file.write(content)
    os.chmod(path, 0o644)
    return content


def imported(shell, *words, env=(), **options):
    done = shell.run("import", *words, env=env, **options)
    assert done.returncode == 0, done.stderr
    return done


def test_ticktick_pys_file_is_imported(shell, token, sandbox):
    """With its expiry; the file stays as it is."""
    path = here(shell, ".token-oauth")
    content = put(
        path,
        json.dumps(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": 14_772_375,
                "scope": "tasks:read tasks:write",
                "expire_time": SOON,
                "readable_expire_time": time.asctime(time.localtime(SOON)),
            }
        ),
    )

    done = imported(shell, "ticktick-py")

    kept = FileStore().load()
    assert (kept.access_token, kept.expires_at) == (token, SOON)
    assert kept.extra["token_endpoint"] == sandbox.service.token_endpoint
    assert done.stdout == f"Imported the token {kept.fingerprint} from {path}.\n"
    assert "The API      accepts it" in done.stderr
    with open(path) as file:
        assert file.read() == content
    assert shell.run("status").returncode == 0


def test_a_variable_of_ticktick_py_is_imported(shell, token):
    """Its name is the program's to choose."""
    env = {"MY_TOKEN": f"'{ {'access_token': token, 'expire_time': SOON} }'"}

    imported(shell, "env", "--variable", "MY_TOKEN", env=env)

    assert FileStore().load().expires_at == SOON


@pytest.mark.parametrize("place", ["variable", "file", "saved"])
def test_pyticktick_is_imported(shell, token, place):
    """From its variables, its ``.env``, or the file that its script saves."""
    names = {
        "PYTICKTICK_V1_TOKEN_VALUE": token,
        "PYTICKTICK_V1_TOKEN_EXPIRATION": str(SOON),
    }
    env, words = {}, ["pyticktick"]
    if place == "variable":
        env = names
    elif place == "file":
        put(here(shell, ".env"), "".join(f"{k}='{v}'\n" for k, v in names.items()))
    else:
        path = here(shell, "saved.json")
        put(path, json.dumps({"value": token, "expiration": SOON}))
        words += ["--path", path]

    imported(shell, *words, env=env)

    kept = FileStore().load()
    assert (kept.access_token, kept.expires_at) == (token, SOON)


def test_an_expiry_that_is_none_is_not_taken(shell, token):
    """The token is used until the API refuses it."""
    env = {
        "PYTICKTICK_V1_TOKEN_VALUE": token,
        "PYTICKTICK_V1_TOKEN_EXPIRATION": "soon",
    }

    imported(shell, "pyticktick", env=env)

    assert FileStore().load().expires_at is None


def test_ticktick_cli_is_imported_without_what_else_is_there(shell, token):
    """A configuration file may hold other secrets."""
    path = home(".config/ticktick-cli/config.json")
    put(path, json.dumps({"access_token": token, "client_secret": "a-secret"}))

    imported(shell, "ticktick-cli", env={"XDG_CONFIG_HOME": None})

    with open(FileStore().path) as file:
        kept = file.read()
    assert token in kept
    assert "a-secret" not in kept


@pytest.mark.parametrize("name", ["TICKTICK_ACCESS_TOKEN", "TICKTICK_API_KEY"])
def test_variables_of_others_are_imported(shell, token, name):
    """From the environment, or from a ``.env`` with other secrets in it."""
    lines = f'# mine\nAWS_SECRET="x y"\nexport {name} = "{token}"  # ours\nBROKEN\n'
    put(here(shell, ".env"), lines)

    imported(shell, "env", env={name: token})
    FileStore().delete()
    done = imported(shell, "dotenv")

    assert FileStore().load().access_token == token
    assert f"{here(shell, '.env')}: {name}" in done.stdout
    with open(here(shell, ".env")) as file:
        assert file.read() == lines


@pytest.mark.parametrize(
    "value", ["{}", "'{}'", "{} # ours", '\'{{"access_token": "{}"}}\'']
)
def test_values_of_a_dotenv_file_are_read_as_others_write_them(shell, token, value):
    """Quoted or bare, with a comment behind."""
    put(here(shell, ".env"), f"TICKTICK_TOKEN={value.format(token)}\r\n")

    imported(shell, "dotenv")

    assert FileStore().load().access_token == token


def test_mcp_remote_is_imported(shell, token):
    """TickTick's server alone; the lifetime counts from when it was written."""
    digest = hashlib.md5(b"https://mcp.ticktick.com").hexdigest()
    path = home(f".mcp-auth/mcp-remote-0.1.29/{digest}_tokens.json")
    put(path, json.dumps({"access_token": token, "expires_in": 15_551_999}))
    os.utime(path, (SOON - 86_400 * 100,) * 2)
    put(path.replace(digest, "another"), json.dumps({"access_token": "another's"}))

    imported(shell, "mcp")

    kept = FileStore().load()
    assert kept.access_token == token
    assert kept.expires_at == SOON - 86_400 * 100 + 15_551_999


@pytest.mark.parametrize(
    "text",
    [
        "{token}",
        '"{token}"\n',
        '{{"access_token": "{token}"}}',
        "{{'access_token': '{token}'}}",
        '{{"accessToken": "{token}", "expiresAt": 9999999999000}}',
        '{{"user": 1, "token": {{"access_token": "{token}"}}}}',
    ],
)
def test_standard_input_is_imported(shell, token, text):
    """Bare, JSON, a literal; with the token one level below."""
    imported(shell, "-", stdin=None, input=text.format(token=token))

    assert FileStore().load().access_token == token


def test_a_token_of_ours_comes_with_its_stamp(shell, token, sandbox):
    """As ``token --json`` on another machine prints it."""
    stamp = Stamp(
        sandbox.client_id, sandbox.service.token_endpoint, "tasks:read tasks:write"
    )
    text = json.dumps(stamp.put_on(Token(token)).to_dict())

    imported(shell, "-", stdin=None, input=text)

    assert Stamp.of(FileStore().load()) == stamp


def test_without_a_source_it_says_what_is_there(shell, token):
    """Fingerprints, places and ends; nothing is imported."""
    path = here(shell, ".token-oauth")
    put(path, json.dumps({"access_token": "old", "expires_at": 1e9}))
    env = {
        "PYTICKTICK_V1_TOKEN_VALUE": token,
        "PYTICKTICK_V1_TOKEN_EXPIRATION": str(SOON),
        "TICKTICK_API_KEY": token,
    }

    done = shell.run("import", env=env)

    assert done.returncode == 0
    first, ended, second, ends, third = done.stdout.splitlines()
    assert first == f"ticktick-py: {Token('old').fingerprint} in {path}"
    assert ended.startswith("    expired on 2001")
    assert second.endswith(f"{Token(token).fingerprint} in $PYTICKTICK_V1_TOKEN_VALUE")
    assert ends.startswith("    until ")
    assert third.endswith("in $TICKTICK_API_KEY")
    assert FileStore().load() is None


def test_where_nothing_is_it_says_so(shell):
    """Files that cannot be read, or hold no token, are none."""
    os.mkdir(here(shell, ".token-oauth"))
    put(here(shell, ".env"), "TICKTICK_API_KEY=\nTICKTICK_TOKEN=${TOKEN}\n")

    done = shell.run("import")

    assert done.returncode == 1
    assert done.stdout.startswith("There is nothing to import here")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["ticktick-py"], "no token to import from ticktick-py. Nothing was changed"),
        (["env"], "no token to import from the environment."),
        (["dotenv"], "no token to import from dotenv."),
        (["mcp", "--path", "absent"], "absent cannot be read: No such file"),
        (["dotenv", "--path", "folder"], "folder cannot be read: it is a folder"),
        (["ticktick-cli", "--path", "theme.json"], "no token to import from ticktick-"),
        (["ticktick-cli", "--path", "list.json"], "no token to import from ticktick-"),
        (["dotenv", "--path", "binary"], "no token to import from dotenv."),
        (["-"], "no token to import from standard input"),
    ],
)
def test_a_source_without_a_token_is_an_error(shell, words, problem):
    """One line; nothing is created."""
    os.mkdir(here(shell, "folder"))
    put(here(shell, "theme.json"), '{"theme": {"access_token": 7}}')
    put(here(shell, "list.json"), "[1]")
    with open(here(shell, "binary"), "wb") as file:
        file.write(b"\xff\xfe\x00TICKTICK_TOKEN=\x00")

    done = shell.run("import", *words)

    assert done.returncode == 1
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1
    assert not os.path.exists(FileStore().path)


def test_closed_standard_input_is_an_error(shell):
    """One line, too."""
    script = 'exec "$@" <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, "import", "-"],
        env=shell.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "Error: Standard input cannot be read. Pipe the token in.\n"


def test_several_tokens_need_a_choice(shell, token, sandbox):
    """Nobody guesses which one is meant."""
    env = {"TICKTICK_API_KEY": token, "TICKTICK_ACCESS_TOKEN": "another"}

    done = shell.run("import", "env", env=env)
    imported(shell, "env", "--variable", "TICKTICK_API_KEY", env=env)

    assert done.returncode == 1
    assert (
        "several tokens: in $TICKTICK_ACCESS_TOKEN and $TICKTICK_API_KEY" in done.stderr
    )
    assert FileStore().load().access_token == token


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"access_token": "t", "expires_at": 1e9}, "it expired on 2001"),
        ({"access_token": "dp_t"}, "it is for another service"),
        ({"access_token": "t", "scope": "tasks:read"}, "it is for other scopes"),
        ({"access_token": "t", "client_id": "x"}, "it is for another client, x"),
    ],
)
def test_a_token_that_cannot_be_used_is_not_imported(shell, fields, problem):
    """The error names what to correct."""
    done = shell.run("import", "-", stdin=None, input=json.dumps(fields))

    assert done.returncode == 1
    assert problem in done.stderr
    assert FileStore().load() is None


def test_a_token_that_the_api_refuses_is_not_imported(shell, sandbox, token):
    """Unless one says that it is not to be asked."""
    sandbox.revoke_all()

    done = shell.run("import", "-", stdin=None, input=token)
    assert FileStore().load() is None
    imported(shell, "-", "--no-check", stdin=None, input=token)

    assert done.returncode == 1
    assert "The API refuses the token" in done.stderr
    assert FileStore().load().access_token == token


def test_a_token_that_is_there_is_imported_once(shell, token, sandbox):
    """The second time nothing is done."""
    imported(shell, "-", stdin=None, input=token)
    before = os.stat(FileStore().path).st_mtime_ns

    done = imported(shell, "-", stdin=None, input=token)

    assert done.stdout.endswith(f"is in {FileStore().path} already.\n")
    assert os.stat(FileStore().path).st_mtime_ns == before


def test_nothing_is_overwritten_unasked(shell, token):
    """Without a terminal, an option says that it may be."""
    FileStore().save(Token("before"))

    done = shell.run("import", "-", stdin=None, input=token)

    assert done.returncode == 1
    assert "To overwrite it, pass --replace." in done.stderr
    assert FileStore().load().access_token == "before"
    imported(shell, "-", "--replace", stdin=None, input=token)
    assert FileStore().load().access_token == token


@pytest.mark.parametrize("reply", ["n", "y"])
def test_at_a_terminal_it_asks(shell, token, reply):
    """A no changes nothing."""
    FileStore().save(Token("before"))

    with shell.at_terminal("import", "env", env={"TICKTICK_API_KEY": token}) as running:
        running.sees("Overwrite it")
        running.types(f"{reply}\n")
        status = running.ends()

    assert status == (reply == "n")
    kept = FileStore().load().access_token
    assert kept == ("before" if reply == "n" else token)
    assert ("what was there is still there" in running.shown) is (reply == "n")


def test_at_a_terminal_a_token_can_be_pasted(shell, token):
    """It says how the input ends."""
    with shell.at_terminal("import", "-") as running:
        running.sees("then Ctrl-D")
        running.types(f"{token}\n")
        running.types("\x04")

        assert running.ends() == 0

    assert FileStore().load().access_token == token


def test_a_variable_that_comes_first_is_warned_about(shell, token):
    """The imported token would not be used."""
    env = {"TICKTICK_TOKEN": "another-token"}

    done = imported(shell, "-", "--no-check", env=env, stdin=None, input=token)
    FileStore().delete()
    same = imported(shell, "env", env={"TICKTICK_TOKEN": token})

    assert "TICKTICK_TOKEN holds another token" in done.stderr
    assert "Warning" not in same.stderr


def test_another_clients_file_is_replaced_when_told(shell, token):
    """Another service's token, which no save overwrites."""
    stamp = Stamp("other", "https://dida365.com/oauth/token", "tasks:read")
    FileStore().save(stamp.put_on(Token("theirs")))

    imported(shell, "-", "--replace", stdin=None, input=token)

    kept = FileStore().load()
    assert kept.access_token == token
    assert "client_id" not in kept.extra
