"""``--store``, ``--within``, completion, and tokens of other clients."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest
from click.shell_completion import ShellComplete
from shell import Shell

from requests_ticktick import FileStore, MemoryStore, Token, TokenStoreError
from requests_ticktick._cli.login.remembering import remembered
from requests_ticktick._cli.login.replacing import replace
from requests_ticktick._cli.program import program
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.keyring import KeyringStore
from requests_ticktick.stores.redis import RedisStore
from requests_ticktick.stores.sql import SqlStore

DAY = 86_400.0


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def keychain(monkeypatch, tmp_path):
    """A keychain of this test's own, chosen as users choose theirs."""
    support = os.path.join(os.path.dirname(__file__), os.pardir, "support")
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), support])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keychains.FileKeyring")
    monkeypatch.setenv("KEYRING_PROPERTY_PATH", str(tmp_path / "keychain.json"))
    import keyring

    monkeypatch.setattr(keyring.core, "_keyring_backend", None)


def used(shell, *options, env=()):
    """Sign on, and look, print and remove the token; return what was said."""
    login = shell.run("login", *options, env={**shell.browser(), **dict(env)})
    assert login.returncode == 0, login.stderr
    status = shell.run("status", "--check", *options, env=env)
    assert status.returncode == 0, status.stdout
    token = shell.run("token", *options, env=env, prints_secrets=True)
    assert token.returncode == 0
    doctor = shell.run("doctor", *options, env=env)
    assert doctor.returncode == 0, doctor.stdout
    return login.stderr, status.stdout, token.stdout.strip()


def test_the_keychain_is_a_store(shell, keychain, sandbox):
    """``--profile`` chooses one of several tokens there."""
    options = ["--store", "keyring", "--profile", "work"]

    _, status, token = used(shell, *options)
    kept = KeyringStore(profile="work").load()
    logout = shell.run("logout", *options)

    assert "requests-ticktick/work in the keychain" in status
    assert kept.access_token == token
    assert "from requests-ticktick/work in the keychain" in logout.stdout
    assert KeyringStore(profile="work").load() is None
    advice = shell.run("token", *options).stderr
    assert advice.strip().endswith("--store keyring --profile work")


@pytest.mark.parametrize("key", [None, "app:token"])
def test_redis_is_a_store(shell, start_redis, key):
    """``--key`` chooses one of several tokens there."""
    server = start_redis()
    port = server.client().connection_pool.connection_kwargs["port"]
    options = ["--store", f"redis://127.0.0.1:{port}/0"]
    options += [] if key is None else ["--key", key]

    _, status, token = used(shell, *options)

    name = key or "requests-ticktick:token"
    assert f"{name} in Redis" in status
    assert RedisStore(server.client(), name).load().access_token == token
    assert shell.run("logout", *options).returncode == 0
    assert RedisStore(server.client(), name).load() is None


@pytest.mark.parametrize("key", [None, "user-17"])
def test_a_database_is_a_store(shell, tmp_path, key):
    """By the address that SQLAlchemy takes."""
    address = f"sqlite:///{tmp_path}/tokens.db"
    options = [] if key is None else ["--key", key]

    # In the variable, where it may hold a password.
    env = {"TICKTICK_STORE": address}
    _, status, token = used(shell, *options, env=env)

    assert f"'{key or 'default'}' in requests_ticktick of sqlite" in status
    assert SqlStore(address, key or "default").load().access_token == token
    assert shell.run("logout", *options, env=env).returncode == 0
    advice = shell.run("token", *options, env=env).stderr
    assert address not in advice.partition("Run: ")[2]


@pytest.mark.parametrize("command", ["status", "token", "logout", "doctor"])
def test_a_mistyped_database_is_not_made(shell, tmp_path, command):
    """As little as a mistyped profile is."""
    done = shell.run(command, "--store", f"sqlite:///{tmp_path}/mistyped.db")

    assert done.returncode == (0 if command == "logout" else 1)
    assert not (tmp_path / "mistyped.db").exists()


def test_none_keeps_a_token_nowhere(shell):
    """It is printed, and no file is made."""
    options = ["--store", "none", "--sign-on"]

    done = shell.run("token", *options, env=shell.browser(), prints_secrets=True)
    status = shell.run("status", "--store", "none")

    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert status.returncode == 1
    assert "no token in the memory of this command" in status.stdout
    assert not os.path.exists(FileStore().path)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["--store", "redis://:hunter2@127.0.0.1/0"],
            "into the variable TICKTICK_STORE",
        ),
        (["--store", "redis://127.0.0.1/0?password=hunter2"], "TICKTICK_STORE"),
        (["--store", "redis://[hunter2"], "cannot be used"),
        (["--store", "mysql://127.0.0.1/x"], "it is none of keyring, none"),
        (["--store", "redis"], "it is none of keyring, none"),
        (["--store", "sqlite:///:memory:"], "cannot be used"),
        (["--store", "redis://127.0.0.1/zero?db=x"], "cannot be used"),
        (["--store", "keyring", "--file", "x"], "--store and --file exclude"),
        (["--store", "keyring", "--key", "x"], "--key belongs to"),
        (["--key", "x"], "--key belongs to"),
        (["--store", "redis://127.0.0.1/0", "--profile", "x"], "with --key"),
    ],
)
def test_a_store_that_cannot_be_is_refused(shell, words, problem):
    """The address is not quoted: it may hold a password."""
    done = shell.run("status", *words)

    assert done.returncode == 2
    assert problem in " ".join(done.stderr.split())
    assert "hunter2" not in done.stderr


def test_a_file_beats_the_variable_with_a_store(shell, tmp_path):
    """What is typed comes first."""
    env = {"TICKTICK_STORE": "keyring"}

    done = shell.run("status", "--file", "x.json", env=env)

    assert f"There is no token in {tmp_path}/x.json." in done.stdout


def test_a_store_without_its_extra_says_which_it_needs(shell, tmp_path):
    """One line, no traceback."""
    (tmp_path / "lack").mkdir()
    (tmp_path / "lack" / "redis.py").write_text("raise ImportError('redis')")
    path = os.pathsep.join([str(tmp_path / "lack"), os.environ["PYTHONPATH"]])

    words = ["status", "--store", "redis://127.0.0.1/0"]
    done = shell.run(*words, env={"PYTHONPATH": path})

    assert done.returncode == 1
    assert "pip install 'requests-ticktick[cli,redis]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "token", "logout"])
def test_a_mistyped_profile_creates_nothing(shell, command):
    """The profile that was meant is named."""
    FileStore(profile="work").save(Token("of-work"))
    folder = os.path.dirname(FileStore().path)
    before = sorted(os.listdir(folder))

    typed = shell.run(command, "--profile", "wrok")
    named = shell.run(command, env={"TICKTICK_PROFILE": "wrok"})

    hint = "There is no profile wrok: did you mean work?"
    assert hint in typed.stdout + typed.stderr
    assert hint in named.stdout + named.stderr
    assert sorted(os.listdir(folder)) == before


# -- status ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("within", "status"),
    [("14d", 3), ("2w", 3), ("9d", 0), ("239h", 0), ("1m", 0), ("5 s", 0)],
)
def test_status_tells_that_a_token_ends_soon(shell, sandbox, within, status):
    """By the exit status 3, for a cron job."""
    stamp = Stamp(sandbox.client_id, sandbox.service.token_endpoint, None)
    FileStore().save(stamp.put_on(Token("t", expires_at=time.time() + 10 * DAY)))

    done = shell.run("status", "--within", within)

    assert done.returncode == status
    assert "Valid until" in done.stdout


def test_a_token_that_states_no_end_does_not_end_soon(shell):
    """And no token at all is the worse answer."""
    env = {"TICKTICK_TOKEN": "a_token"}

    assert shell.run("status", "--within", "14d", env=env).returncode == 0
    assert shell.run("status", "--within", "14d").returncode == 1


@pytest.mark.parametrize("text", ["14", "d", "-1d", "1y", "14 days"])
def test_a_time_that_is_none_is_refused(shell, text):
    """The error says how one is written."""
    done = shell.run("status", f"--within={text}")

    assert done.returncode == 2
    assert "is no time such as 14d, 12h or 30m" in " ".join(done.stderr.split())


# -- Completion -----------------------------------------------------------------


def completed(*words):
    complete = ShellComplete(program, {}, "requests-ticktick", "_X_COMPLETE")
    *before, begun = words
    return [item.value for item in complete.get_completions(before, begun)]


def test_values_are_completed():
    """Commands, profiles, services, stores and sources."""
    assert completed("status", "--profile", "") == []
    FileStore(profile="work").save(Token("of-work"))
    FileStore(profile="home").save(Token("of-home"))

    assert completed("do") == ["doctor"]
    assert completed("status", "--profile", "") == ["home", "work"]
    assert completed("accounts", "switch", "w") == ["work"]
    assert completed("status", "--service", "d") == ["dida365"]
    assert completed("status", "--store", "k") == ["keyring"]
    assert completed("import", "ticktick") == ["ticktick-py", "ticktick-cli"]


# -- Tokens of other clients ----------------------------------------------------


@pytest.fixture
def theirs(sandbox):
    token = Stamp("other", sandbox.service.token_endpoint, "tasks:read").put_on(
        Token("of-another-client")
    )
    FileStore().save(token)
    return token


@pytest.mark.parametrize("option", ["--any-client", "--replace"])
def test_logout_leaves_another_clients_token(shell, theirs, option):
    """Unless it is told to remove any."""
    done = shell.run("logout")
    assert "unless you pass --any-client" in done.stderr
    assert FileStore().load() == theirs

    removed = shell.run("logout", option)

    assert f"Removed the token {theirs.fingerprint}" in removed.stdout
    assert FileStore().load() is None


def test_login_replaces_another_clients_token_when_told(shell, theirs, sandbox):
    """Otherwise it says how before anybody is asked."""
    done = shell.run("login", env=shell.browser())
    assert done.returncode == 1
    assert "or pass --replace." in done.stderr
    assert sandbox.sign_ons == 0

    replaced = shell.run("login", "--replace", env=shell.browser())

    assert replaced.returncode == 0
    assert Stamp.of(FileStore().load()).client_id == sandbox.client_id
    assert shell.run("status").returncode == 0


def test_a_sign_on_that_fails_replaces_nothing(shell, theirs, sandbox):
    """The other client's token is still there."""
    sandbox.deny()

    done = shell.run("login", "--replace", env=shell.browser())

    assert done.returncode == 1
    assert FileStore().load() == theirs


class Failing(MemoryStore):
    """A store that does not take one token."""

    def save(self, token):
        if token.access_token == "new":
            raise TokenStoreError("It is full.")
        super().save(token)


def test_a_token_that_cannot_be_replaced_is_put_back():
    """Nothing is lost."""
    store = Failing()
    before = Stamp("other", None, "tasks:read").put_on(Token("before"))
    store.save(before)

    for new in (Token("new"), Stamp("mine", None, "tasks:read").put_on(Token("new"))):
        with pytest.raises(TokenStoreError, match="full"):
            replace(SimpleNamespace(store=store), new)
        assert store.load() == before

    empty = Failing()
    with pytest.raises(TokenStoreError, match="full"):
        replace(SimpleNamespace(store=empty), Token("new"))
    assert empty.load() is None


def test_the_client_id_is_remembered_for_each_profile(shell, sandbox, monkeypatch):
    """Also after a logout: Enter takes it again."""
    env = {**shell.browser(), "TICKTICK_CLIENT_ID": None}
    typed = ["login", "--profile", "work"]
    first = shell.run(*typed, "--client-id", sandbox.client_id, env=env)
    assert first.returncode == 0
    FileStore(profile="work").delete()

    with shell.at_terminal(*typed, "--console", env=env) as running:
        running.sees(rf"Client id \[{sandbox.client_id}\]: ")
        running.types("\n")
        running.types(running.grants() + "\n")
        assert running.ends() == 0

    path = FileStore(profile="work").path.replace(".json", ".client")
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_client_id_is_asked_for_where_none_is_remembered(shell, tmp_path):
    """As in a new database."""
    options = ["--store", f"sqlite:///{tmp_path}/t.db"]
    with shell.at_terminal("login", *options, env={"TICKTICK_CLIENT_ID": None}) as run:
        run.sees("Client id: ")
        run.ends_at_ctrl_c()


def test_a_store_that_fails_remembers_no_client_id():
    """It says so itself, when the token is to be saved."""

    class Failing(MemoryStore):
        def load(self):
            raise TokenStoreError("It is away.")

    assert remembered(SimpleNamespace(store=Failing())) is None


def test_the_client_id_is_known_from_a_token_as_well(shell, sandbox):
    """As of one that a program has saved, in a file of its own."""
    path = str(shell.folder / "t.json")
    token = Token("t", expires_at=1e9)
    stamp = Stamp("their-app", sandbox.service.token_endpoint, None)
    FileStore(path).save(stamp.put_on(token))

    env = {"TICKTICK_CLIENT_ID": None}
    with shell.at_terminal("login", "--file", path, env=env) as running:
        running.sees(r"Client id \[their-app\]: ")
        running.ends_at_ctrl_c()

    assert FileStore(path).load().access_token == "t"
    assert not os.path.exists(str(shell.folder / "t.client"))
