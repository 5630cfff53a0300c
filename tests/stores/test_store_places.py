"""Where the file is: never elsewhere, and nobody else's."""

from __future__ import annotations

import contextlib
import os
import pickle
import pwd
import sys
from pathlib import Path

import platformdirs
import pytest
from click.testing import CliRunner
from clients import client_of
from observing import warnings_in
from other_users import (
    NOBODY,
    a_folder,
    as_user,
    inside,
    mode_of,
)

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._cli.program import program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="about POSIX's users")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """The working directory, which is to stay empty."""
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def homeless(nowhere, monkeypatch):
    """A user without a home: HOME is missing, and so is an entry of the user's."""
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)


# -- which place ---------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        '"{home}/t.json"',
        "'{home}/t.json'",
        "{home}/t.json\r",
        "{home}/t.json\n",
        " {home}/t.json ",
        "\ufeff{home}/t.json",
        "$HOME/t.json",
        "${{HOME}}/t.json",
        '"$HOME/t.json"\r',
        "~/t.json",
        "{home}/x/../t.json",
    ],
)
def test_the_variable_names_a_file_however_it_was_set(
    tmp_path, nowhere, monkeypatch, value
):
    """Docker keeps quotes, Windows' editors a CR, systemd does not expand."""
    home = tmp_path / "home"
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", value.format(home=home))

    FileStore().save(Token("a"))

    assert FileStore().path == str(home / "t.json")
    assert FileStore(home / "t.json").load() == Token("a")


@pytest.mark.parametrize(
    "value",
    [
        *("t.json", "./t.json", "../t.json", '"t.json"', ".token-oauth"),
        *("$UNSET_HOME/t.json", "${UNSET_HOME}/t.json", "/data/$UNSET_HOME/t.json"),
        *("/data/$(id)/t.json", "/data\r/t.json", "/data/t.json\r\nOTHER=x"),
        "~nobody-of-that-name/t.json",
    ],
)
def test_a_variable_that_names_no_whole_path_is_an_error(nowhere, monkeypatch, value):
    """Each program would have a file of its own, in its working directory."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", value)
    store = FileStore()

    for call in (store.load, lambda: store.save(Token("a"))):
        with pytest.raises(TokenStoreError, match="TICKTICK_TOKEN_FILE is "):
            call()

    assert repr(store) == "FileStore()"
    store.delete()


@pytest.mark.parametrize("value", ["", " ", '""', "\r"])
def test_an_empty_variable_names_no_file(tmp_path, monkeypatch, value):
    """As if it were not set."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", value)

    assert FileStore().path.startswith(str(tmp_path / "home"))


@pytest.mark.parametrize("value", [".state", "~/.state", "$HOME/.state", '"/x"', "."])
def test_a_relative_state_folder_is_ignored(tmp_path, nowhere, monkeypatch, value):
    """So the XDG specification has it."""
    monkeypatch.setenv("XDG_STATE_HOME", value)

    FileStore().save(Token("a"))

    assert FileStore().path.startswith(str(tmp_path / "home" / ".local"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is asked always")
@pytest.mark.parametrize("state", [None, "", "/srv/state", "/srv/state/", "//srv", "x"])
@pytest.mark.parametrize("home", ["/home/me", "/home/me/", "/", "relative", ""])
def test_the_place_is_where_platformdirs_has_it(nowhere, monkeypatch, home, state):
    """Although it is not asked in the usual case, since importing it takes long."""
    monkeypatch.setenv("HOME", home)
    if state is None:
        monkeypatch.delenv("XDG_STATE_HOME")
    else:
        monkeypatch.setenv("XDG_STATE_HOME", state)
    folder = platformdirs.user_state_dir("requests-ticktick", appauthor=False)

    for _ in range(2):
        if os.path.isabs(folder):
            assert FileStore().path == os.path.join(folder, "default.json")
        else:
            with pytest.raises(TokenStoreError, match="HOME is not set"):
                FileStore().load()
        monkeypatch.setenv("ANDROID_ROOT", "/system")


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "HOME"])
@pytest.mark.parametrize(
    "name", ["x\r", "x\n", "a\nb", "\x1b[2J", "$NAME", "${NAME}/x"]
)
def test_a_state_folder_that_nobody_means_is_an_error(
    tmp_path, nowhere, monkeypatch, variable, name
):
    """A volume at ``x`` would stay empty, and the token go with the container."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv(variable, f"{tmp_path}/{name}")
    before = sorted(tmp_path.iterdir())
    store = FileStore()

    for call in (store.load, lambda: store.save(Token("a"))):
        with pytest.raises(TokenStoreError, match=variable):
            call()
    store.delete()

    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.setenv("TICKTICK_TOKEN", "tp_0")
    assert TickTickAuth(sign_on=refuse).token() == Token("tp_0")


def test_without_a_home_there_is_no_place(homeless):
    """Every verb ends in an error of ours, which says what to set."""
    store = FileStore()

    for call in (
        store.load,
        lambda: store.save(Token("a")),
        lambda: store.reserve(Token("a")).__enter__(),
        lambda: store.path,
    ):
        with pytest.raises(TokenStoreError, match=r"TICKTICK_TOKEN_FILE.*HOME"):
            call()

    assert repr(store) == "FileStore()"
    store.delete()
    assert repr(pickle.loads(pickle.dumps(store))) == "FileStore()"


def test_a_home_that_platformdirs_does_not_find_is_an_error(homeless, monkeypatch):
    """Older releases return the tilde."""
    monkeypatch.setattr(platformdirs, "user_state_dir", lambda *_, **__: "~/.local/x")

    with pytest.raises(TokenStoreError, match="TICKTICK_TOKEN_FILE"):
        FileStore().save(Token("a"))


def test_without_a_home_a_named_file_is_a_place(tmp_path, homeless, monkeypatch):
    """And so is the state folder."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", str(tmp_path / "t.json"))
    assert FileStore().path == str(tmp_path / "t.json")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    work = FileStore(profile="work")
    assert work.path == str(tmp_path / "requests-ticktick" / "work.json")


@pytest.mark.parametrize("home", ["", "relative", "."])
def test_a_relative_home_is_ignored(nowhere, monkeypatch, home):
    """The working directory does not take its place."""
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", home)
    store = FileStore("~/t.json")

    with contextlib.suppress(TokenStoreError):
        assert not FileStore().path.startswith(str(nowhere))
    with contextlib.suppress(TokenStoreError):
        assert not store.path.startswith(str(nowhere))
    assert "FileStore(" in repr(store)


def test_a_path_of_a_home_that_is_not_there_leads_nowhere(homeless):
    """It is said when the file is needed, not when the store is made."""
    store = FileStore("~/t.json")

    with pytest.raises(TokenStoreError, match="HOME"):
        store.save(Token("a"))


@pytest.mark.parametrize(
    "path",
    [
        *("$HOME/t.json", "${HOME}/t.json", "$(pwd)/t.json", "%APPDATA%/t.json"),
        *('"/kept/t.json"', "'/kept/t.json'", "\u201c/kept/t.json\u201d"),
        *("file:///kept/t.json", "~no.such.user/t.json", "/kept/t.json\r", "t.json\n"),
    ],
)
def test_a_path_that_no_shell_has_read_leads_nowhere(nowhere, path):
    """A unit file or an exec-form command passes it as it stands."""
    store = FileStore(path)

    with pytest.raises(TokenStoreError, match="Write the path out from the root"):
        store.save(Token("a"))
    done = CliRunner().invoke(program, ["token", "--file", path])

    assert done.exit_code == 1
    assert list(nowhere.iterdir()) == []


def test_an_empty_path_is_an_error_and_not_the_default_file(tmp_path, monkeypatch):
    """``--file "$UNSET"``: its token would be deleted, or go to any service."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", str(tmp_path / "t.json"))
    FileStore().save(Token("a"))

    with pytest.raises(ValueError, match="not empty"):
        FileStore("")
    done = CliRunner().invoke(program, ["logout", "--file", ""])

    assert done.exit_code == 2
    assert "--file: A path is not empty." in done.output
    assert FileStore().load() == Token("a")


def test_a_logout_says_where_it_could_not_look(nowhere, monkeypatch):
    """The token may be where the variable was meant to lead."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "kept/t.json")

    done = CliRunner().invoke(program, ["logout"])

    assert "TICKTICK_TOKEN_FILE is 'kept/t.json', which is no whole path" in done.output


def test_a_working_directory_that_was_removed_leads_nowhere(tmp_path, monkeypatch):
    """Python's own error does not come out."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    store = FileStore("t.json")

    with pytest.raises(TokenStoreError, match="working directory"):
        store.load()


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_an_impossible_name_is_refused_by_the_constructor(name):
    """Later, it would be an error from the depth of the library."""
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        FileStore(name)


def test_without_a_home_a_token_in_the_variable_works(homeless, monkeypatch, sandbox):
    """It needs no place at all."""
    monkeypatch.setenv("A_TOKEN", sandbox.issue_token())
    store = ChainStore([EnvStore("A_TOKEN"), FileStore()])

    token = client_of(sandbox, store, sign_on=refuse).token()

    assert token.access_token == os.environ["A_TOKEN"]


def test_without_a_home_a_person_signs_on_for_this_process(sandbox, homeless, caplog):
    """The token works from memory, after one warning that says what to set."""
    auth = client_of(sandbox, ChainStore([EnvStore("A_TOKEN"), FileStore()]))

    tokens = {auth.token() for _ in range(3)}

    assert len(tokens) == 1
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "TICKTICK_TOKEN_FILE" in warning
    assert "used from memory" in warning


def test_without_a_home_a_job_is_told_what_to_set(homeless):
    """A sign-on would not help it: there is nowhere to find the token."""
    auth = TickTickAuth("id", "secret", sign_on=refuse)

    with pytest.raises(TokenStoreError, match="TICKTICK_TOKEN_FILE"):
        auth.token()
    with pytest.raises(TickTickAuthError, match="TICKTICK_TOKEN_FILE"):
        auth.forget()


@pytest.mark.parametrize(
    "command", ["status", "status --profile work", "token", "login", "logout"]
)
def test_without_a_home_a_command_says_what_to_set(homeless, command, monkeypatch):
    """In a line, without a traceback, and before anybody is asked."""
    monkeypatch.setenv("TICKTICK_CLIENT_ID", "id")
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", "secret")
    way = ["--console"] if command == "login" else []

    done = CliRunner().invoke(program, [*command.split(), *way])

    if command == "logout":
        assert "There was no token to remove" in done.output
        return
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "TICKTICK_TOKEN_FILE" in done.output


def test_a_container_without_a_home_and_with_an_unknown_user(require_root, sandbox):
    """For real: everything as OpenShift or ``docker run --user`` has it."""
    with a_folder() as folder, inside(folder), as_user(NOBODY):
        before = os.environ.copy()
        try:
            for name in ("HOME", "XDG_STATE_HOME"):
                os.environ.pop(name, None)
            assert repr(FileStore()) == "FileStore()"
            with pytest.raises(TokenStoreError, match="HOME"):
                TickTickAuth("id", "secret", sign_on=refuse).token()
            assert client_of(sandbox, FileStore()).token()
        finally:
            os.environ.update(before)

        assert list(folder.iterdir()) == []


# -- folders -------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777], ids=oct)
@pytest.mark.parametrize("verb", ["save", "lock"])
def test_all_folders_that_are_made_are_private(tmp_path, umask, verb):
    """From the first one that is missing, all the way down."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o755)
    store = FileStore(tmp_path / "there" / "a" / "b" / "c" / "t.json")
    before = os.umask(umask)
    try:
        if verb == "save":
            store.save(Token("a"))
        else:
            with store.lock(0):
                pass
    finally:
        os.umask(before)

    modes = [mode_of(folder) for folder in Path(store.path).parents[:4]]
    assert modes == [0o700, 0o700, 0o700, 0o755]


def test_a_folder_behind_a_link_is_made_private_too(tmp_path):
    """The link's target is not there yet."""
    (tmp_path / "t.json").symlink_to(tmp_path / "a" / "b" / "t.json")

    FileStore(tmp_path / "t.json").save(Token("a"))

    assert [mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")] == [0o700, 0o700]
    assert FileStore(tmp_path / "a" / "b" / "t.json").load() == Token("a")
