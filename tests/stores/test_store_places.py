"""Where the file is: never elsewhere, and nobody else's."""

from __future__ import annotations

import codecs
import contextlib
import grp  # before a test becomes a user who cannot read the standard library
import logging
import os
import pickle
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import platformdirs
import pytest
from click.testing import CliRunner
from clients import client_of

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    LockTimeoutError,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._cli.program import program
from requests_ticktick.stores import _files, _in_place, _place

pytestmark = pytest.mark.skipif(os.name != "posix", reason="about POSIX's users")
NOBODY = 54321  # who has no entry in the list of users


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# -- which place -------------------------------------------------------------------


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
def test_a_state_folder_that_is_no_whole_path_is_ignored(
    tmp_path, nowhere, monkeypatch, value
):
    """So the XDG specification has it."""
    monkeypatch.setenv("XDG_STATE_HOME", value)

    FileStore().save(Token("a"))

    assert FileStore().path.startswith(str(tmp_path / "home" / ".local"))


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


def test_a_home_that_platformdirs_does_not_find_is_none(nowhere, monkeypatch):
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
def test_a_home_that_is_no_whole_path_is_none(nowhere, monkeypatch, home):
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
        *("file:///kept/t.json", "~no.such.user/t.json"),
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
def test_what_can_be_no_name_is_said_at_once(name):
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


@contextlib.contextmanager
def inside(folder):
    """Work in a folder; another user might not be able to come back."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


# -- folders -----------------------------------------------------------------------


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


# -- whose it is -------------------------------------------------------------------


@contextlib.contextmanager
def as_user(uid, *groups):
    """Be another user for a while; root can come back."""
    others = os.getgroups()
    platformdirs.user_state_dir("x")
    codecs.lookup("ascii")
    os.setgroups(groups)
    os.setresgid(uid, uid, 0)
    os.setresuid(uid, uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(others)


@contextlib.contextmanager
def a_folder(uid=NOBODY, mode=0o700, gid=None):
    """A folder in the one for temporary files, which all can enter."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        own(folder, uid, mode, gid)
        yield folder
    finally:
        shutil.rmtree(folder)


def own(path, uid, mode, gid=None):
    os.chown(path, uid, uid if gid is None else gid)
    os.chmod(path, mode)


def plant(path, uid=NOBODY, mode=0o600):
    path.write_text('{"access_token": "planted"}')
    own(path, uid, mode)


def is_refused(path, caplog, match, verbs=("write", "lock")):
    """Saving is refused; the lock is elsewhere; reading is warned about, once."""
    store = FileStore(path)
    before = os.path.exists(path) and Path(path).read_bytes()
    names = os.listdir(os.path.dirname(os.path.realpath(path)))
    for act in (store.save, lambda token: store.reserve(token).__enter__()):
        with pytest.raises(TokenStoreError, match=f"Cannot write .*{match}"):
            act(Token("new"))
    if "lock" in verbs:
        is_locked_elsewhere(path)
    assert (os.path.exists(path) and Path(path).read_bytes()) == before
    assert os.listdir(os.path.dirname(os.path.realpath(path))) == names
    caplog.clear()
    loaded = {store.load() for _ in range(3)}
    if before:
        (token,) = loaded
        assert token.access_token == "planted"
        (warning,) = warnings_in(caplog)
        assert match in warning


def is_locked_elsewhere(path):
    """Whoever names the same file waits, and nothing is written beside it."""
    store = FileStore(path)
    with store.lock(0):
        with pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
            FileStore(path).lock(0).__enter__()
        store.record_failure("no")
    assert FileStore(path).failure() == "no"
    with store.lock(0):
        store.record_failure(None)


def is_trusted(path, caplog):
    """It is written and read without a warning."""
    caplog.clear()
    FileStore(path).save(Token("mine"))
    with FileStore(path).lock(0):
        pass
    assert FileStore(path).load() == Token("mine")
    assert warnings_in(caplog) == []


def test_another_users_file_is_refused(require_root, caplog):
    """Root as well does not write to it: who does is the user."""
    with a_folder(0, 0o1777) as folder:
        plant(folder / "t.json", NOBODY, 0o644)

        is_refused(folder / "t.json", caplog, "another user", ["write"])
        with as_user(NOBODY + 1):
            is_refused(folder / "t.json", caplog, "another user", ["write"])


def test_another_users_folder_is_refused(require_root, caplog):
    """However private it is, and how deep below it the file."""
    with a_folder(NOBODY, 0o755) as folder:
        (folder / "mine").mkdir(mode=0o700)
        plant(folder / "mine" / "t.json", 0)

        is_refused(folder / "mine" / "t.json", caplog, f"{folder} belongs to another")
        is_refused(folder / "none.json", caplog, f"{folder} belongs to another")


def test_another_users_link_is_refused(require_root, caplog):
    """In a folder for all, it leads wherever that user wants."""
    with a_folder(0, 0o1777) as folder, a_folder(0) as mine:
        plant(mine / "t.json", 0)
        (folder / "link.json").symlink_to(mine / "t.json")
        (folder / "way").symlink_to(mine)
        for link in ("link.json", "way"):
            os.chown(folder / link, NOBODY, NOBODY, follow_symlinks=False)

        is_refused(folder / "link.json", caplog, "link.json belongs to", ["write"])
        is_refused(folder / "way" / "t.json", caplog, "way belongs to", ["write"])


def test_a_link_of_ones_own_is_followed_to_what_is_not(require_root, caplog):
    """All that it leads through counts, on the way up and down as well."""
    with a_folder(0) as mine, a_folder(NOBODY, 0o755) as theirs:
        plant(theirs / "t.json", 0)
        (mine / "link.json").symlink_to(theirs / "t.json")
        (mine / "relative").symlink_to(f"../{theirs.name}/./../{theirs.name}")

        is_refused(mine / "link.json", caplog, "belongs to another")
        is_refused(mine / "relative" / "t.json", caplog, "belongs to another")


def test_a_folder_that_others_can_write_to_is_refused(tmp_path, caplog):
    """They could put a file of theirs in its place; unless the folder is sticky."""
    open_folder = tmp_path / "open"
    path = open_folder / "mine" / "t.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"access_token": "planted"}')
    path.chmod(0o600)
    open_folder.chmod(0o777)

    is_refused(path, caplog, f"chmod go-w {open_folder}")
    open_folder.chmod(0o1777)
    is_trusted(path, caplog)


def test_root_is_trusted_with_files_and_folders(require_root, caplog):
    """As OpenSSH does: who is root can read everything anyway."""
    with a_folder(0, 0o1777) as folder:
        plant(folder / "t.json", 0, 0o644)

        with as_user(NOBODY):
            token = FileStore(folder / "t.json").load()
            is_trusted(folder / "own.json", caplog)

        assert token.access_token == "planted"


def test_a_users_private_group_may_write_to_folders(require_root, caplog, monkeypatch):
    """Debian's umask of 002 makes such folders; the group has one member."""
    members = []

    class Entry:
        gr_name = pw_name = "somebody"
        gr_mem = members

    monkeypatch.setattr(grp, "getgrgid", lambda gid: Entry)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: Entry)
    with a_folder(NOBODY, 0o775) as folder, as_user(NOBODY):
        is_trusted(folder / "t.json", caplog)
        members.append("somebody")
        is_trusted(folder / "t.json", caplog)
        members.append("another")
        (folder / "t.json").write_text('{"access_token": "planted"}')
        is_refused(folder / "t.json", caplog, f"chmod go-w {folder}")


def test_a_group_of_many_may_not(require_root, caplog, monkeypatch):
    """Also where this user has no name to compare, or nobody else is listed."""

    class Entry:
        gr_name, gr_mem, pw_name = "users", (), "somebody"

    monkeypatch.setattr(grp, "getgrgid", lambda gid: Entry)
    with a_folder(NOBODY, 0o775) as folder, as_user(NOBODY):
        plant(folder / "t.json")
        is_refused(folder / "t.json", caplog, f"chmod go-w {folder}")
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: Entry)
        is_refused(folder / "t.json", caplog, f"chmod go-w {folder}")


def test_a_containers_group_may_write_to_folders(require_root, caplog):
    """Kubernetes' ``fsGroup`` is a number, and OpenShift's group is root's."""
    volume = NOBODY + 7
    with a_folder(0, 0o2775, volume) as folder:
        with as_user(NOBODY, volume):
            is_trusted(folder / "t.json", caplog)
        plant(folder / "t.json")
        with as_user(NOBODY):
            is_refused(folder / "t.json", caplog, "chmod go-w")
    with a_folder(0, 0o775, 0) as folder, as_user(NOBODY, 0):
        is_trusted(folder / "t.json", caplog)


def test_root_in_a_users_home_is_told(require_root, sandbox, caplog):
    """``sudo`` keeps HOME: a file of root's there would lock the user out."""
    with a_folder(NOBODY, 0o755) as home:
        auth = client_of(sandbox, FileStore(home / ".local" / "t.json"))

        auth.token()

        assert list(home.iterdir()) == []
        keyring = pytest.importorskip("requests_ticktick.stores.keyring")
        keyring.KeyringStore(lock_path=home / "a" / "lock")._touch()
        assert list(home.iterdir()) == []
    warnings = warnings_in(caplog)
    assert any(f"belongs to another user (uid {NOBODY})" in text for text in warnings)
    assert any("used from memory" in text for text in warnings)


def test_who_is_quicker_with_a_folder_does_not_get_the_token(require_root, monkeypatch):
    """Between the look and the making of the folder, in a folder for all."""
    with a_folder(0, 0o1777) as folder:
        real = os.mkdir

        def mkdir(path, mode=0o777):
            real(path, 0o777)
            own(path, NOBODY, 0o777)
            raise FileExistsError(17, "File exists")

        monkeypatch.setattr(os, "mkdir", mkdir)
        with pytest.raises(TokenStoreError, match="belongs to another user"):
            FileStore(folder / "new" / "t.json").save(Token("a"))

        assert list((folder / "new").iterdir()) == []


def test_folders_of_users_that_are_not_mapped_are_roots(require_root, lacking):
    """Flatpak and bubblewrap have no root: "/" and "/home" are nobody's there."""
    code = (
        "import ctypes, os, sys\n"
        "from requests_ticktick.stores import _place\n"
        "libc = ctypes.CDLL(None)\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "if libc.unshare(0x10000000) or libc.prctl(4, 1):\n    sys.exit(77)\n"
        "open('/proc/self/uid_map', 'w').write('54321 54321 1')\n"
        "print(os.stat('/').st_uid, _place.doubt(sys.argv[1]))\n"
    )
    with a_folder(NOBODY) as folder:
        path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder / "t.json")],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    if done.returncode == 77:
        lacking("no user may have a namespace here")
    assert done.stdout == "65534 None\n", done.stderr


def test_nobodys_folder_is_another_users_where_all_users_are_mapped(
    require_root, caplog
):
    """And in a namespace whose root is known, it is a stranger's."""
    with a_folder(65534, 0o755) as folder:
        is_refused(folder / "t.json", caplog, "belongs to another user")


def test_without_the_kernels_list_of_users_nobody_is_a_user(tmp_path, monkeypatch):
    """On macOS, and where /proc is not mounted."""
    monkeypatch.setattr(
        _place, "open", lambda path: (tmp_path / "none").open(), raising=False
    )

    assert not _place._is_unmapped(os.stat(tmp_path))


def test_a_path_that_goes_round_and_round_ends(tmp_path):
    """Each verb says what the system does."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    store = FileStore(tmp_path / "a")

    with pytest.raises(TokenStoreError, match="Cannot read"):
        store.load()
    with pytest.raises(TokenStoreError, match="Cannot write"):
        store.save(Token("a"))


def test_the_look_at_a_path_is_not_repeated(tmp_path, monkeypatch):
    """It is for the first reading; others are as cheap as they were."""
    store, looks, real = FileStore(tmp_path / "t.json"), [], _place.doubt
    store.save(Token("a"))
    monkeypatch.setattr(_place, "doubt", lambda path: looks.append(path) or real(path))

    for _ in range(5):
        store.load()

    assert looks == [store.path]


# -- file systems that refuse ------------------------------------------------------


@contextlib.contextmanager
def mounted(*command, at):
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


@pytest.fixture
def bound(require, require_root, lacking, tmp_path):
    """A file that is a mount point, as ``docker run -v file:file`` makes."""
    mount = require("mount")
    host, inside = tmp_path / "host.json", tmp_path / "data" / "t.json"
    inside.parent.mkdir()
    for path in (host, inside):
        path.write_text("")
        path.chmod(0o600)
    try:
        context = mounted(mount, "--bind", str(host), str(inside), at=str(inside))
        context.__enter__()
    except subprocess.CalledProcessError:
        lacking("nothing can be mounted here")
    yield host, inside
    context.__exit__(None, None, None)


def test_a_mount_point_is_written_in_place(bound, sandbox, caplog):
    """The next process finds the token; one warning tells of it."""
    host, inside = bound
    token = client_of(sandbox, FileStore(inside)).sign_on()
    store = FileStore(inside)

    store.save(token.replace(access_token="longer" * 100))
    store.save(token)

    found = client_of(sandbox, FileStore(inside), sign_on=refuse).token()
    assert found == token
    assert host.read_bytes() == inside.read_bytes()
    assert sorted(path.name for path in inside.parent.iterdir()) == [
        "t.json",
        "t.json.lock",
        "t.json.lock-info",
    ]
    in_place = [text for text in warnings_in(caplog) if "in place" in text]
    assert len(set(in_place)) == 1
    assert len(in_place) == 2  # from each store that wrote
    assert "Mount its folder" in in_place[0]


def test_a_mount_point_is_emptied_by_a_logout(bound):
    """It cannot be removed; the token is gone from it all the same."""
    host, inside = bound
    store = FileStore(inside)
    store.save(Token("a"))

    store.delete()

    assert host.read_bytes() == b""
    assert store.load() is None


def test_a_torn_mount_point_is_written_anew(bound):
    """It cannot be set aside, and is not in the way."""
    _, inside = bound
    inside.write_text('{"access_token": "ha')
    store = FileStore(inside)

    store.save(Token("a"))

    assert store.load() == Token("a")


def test_another_programs_mount_point_stays(bound):
    """In place as well."""
    host, inside = bound
    host.write_text("TICKTICK_TOKEN=x\n")

    with pytest.raises(TokenStoreError, match="holds"):
        FileStore(inside).save(Token("a"))

    assert host.read_text() == "TICKTICK_TOKEN=x\n"


def test_a_mount_point_in_a_read_only_folder_is_written_in_place(
    require, require_root, lacking, tmp_path
):
    """As of a container whose root is read-only; the lock is elsewhere."""
    mount = require("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(a_folder(0, 0o755))
        inside = folder / "t.json"
        plant(inside)
        try:
            how = (mount, "-t", "tmpfs", "tmpfs", str(disk))
            stack.enter_context(mounted(*how, at=str(disk)))
            plant(disk / "t.json")
            how = (mount, "--bind", str(disk / "t.json"), str(inside))
            stack.enter_context(mounted(*how, at=str(inside)))
        except subprocess.CalledProcessError:
            lacking("nothing can be mounted here")
        with as_user(NOBODY):
            store = FileStore(inside)

            for _ in range(2):
                with store.reserve(Token("a")):
                    assert inside.stat().st_size == 4096
                    store.save(Token("a"))
                assert inside.stat().st_size < 100

            assert store.load() == Token("a")
            is_locked_elsewhere(inside)
            store.delete()
            assert store.load() is None
            os.chmod(inside, 0o400)
            with pytest.raises(TokenStoreError, match="Cannot write"):
                store.save(Token("b"))


def test_a_file_in_a_folder_that_is_read_only_stays(require_root):
    """It is no mount point: who took the right away may have had a reason."""
    with a_folder(0, 0o755) as folder:
        plant(folder / "t.json")
        with as_user(NOBODY):
            for call in (
                lambda: FileStore(folder / "t.json").save(Token("a")),
                lambda: FileStore(folder / "t.json").delete(),
                lambda: FileStore(folder / "other.json").save(Token("a")),
                lambda: FileStore(folder / "new" / "t.json").save(Token("a")),
                lambda: FileStore(folder / "t.json").reserve(Token("a")).__enter__(),
            ):
                with pytest.raises(TokenStoreError, match="Permission denied"):
                    call()
            token = FileStore(folder / "t.json").load()

        assert token.access_token == "planted"


def test_a_full_disk_is_not_written_in_place(tmp_path, monkeypatch):
    """The old token would be lost with the new one."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("old"))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TokenStoreError, match="No space left"):
        store.save(Token("new"))
    monkeypatch.setattr(os, "unlink", full)
    with pytest.raises(TokenStoreError, match="Cannot remove"):
        store.delete()

    assert store.load() == Token("old")


def test_what_somebody_puts_there_meanwhile_is_not_written_in_place(require_root):
    """A file of theirs, which all can read, or a link to another of mine."""
    with a_folder(0, 0o1777) as folder:
        plant(folder / "theirs.json", NOBODY, 0o666)
        plant(folder / "mine", 0)
        (folder / "link.json").symlink_to(folder / "mine")

        for name in ("theirs.json", "link.json"):
            with pytest.raises(OSError, match=r"another user|symbolic"):
                _in_place.overwrite(str(folder / name), b"secret")

        assert {p.read_text() for p in folder.iterdir()} == {
            '{"access_token": "planted"}'
        }


def test_a_reader_never_sees_half_of_what_is_written_in_place(tmp_path, monkeypatch):
    """A shorter token is followed by spaces until the file is cut."""
    path = tmp_path / "t.json"
    path.write_text('{"access_token":"' + "long" * 100 + '"}')
    seen, real = [], os.ftruncate

    def truncate(fd, length):
        seen.append(FileStore(path).load())
        real(fd, length)

    monkeypatch.setattr(os, "ftruncate", truncate)
    _in_place.overwrite(str(path), b'{"access_token":"short"}')

    assert seen == [Token("short")]
    assert path.read_bytes() == b'{"access_token":"short"}'


@pytest.fixture
def chmodless(require, require_root, lacking, tmp_path):
    """A folder whose file system refuses chmod, as CIFS' and S3's do."""
    bindfs = require("bindfs")
    under, folder = tmp_path / "under", tmp_path / "share"
    under.mkdir()
    folder.mkdir()
    if not os.path.exists("/dev/fuse"):
        lacking("there is no FUSE here")
    with mounted(bindfs, "--chmod-deny", str(under), str(folder), at=str(folder)):
        yield folder


def test_a_file_system_that_refuses_chmod_is_used(chmodless, sandbox, caplog):
    """With one warning; the file was made for its owner alone from the start."""
    store = FileStore(chmodless / "new" / "t.json")
    auth = client_of(sandbox, store)

    token = auth.token()
    auth.sign_on(force=True)

    assert client_of(sandbox, FileStore(store.path), sign_on=refuse).token() == (
        store.load()
    )
    assert token.access_token
    assert mode_of(store.path) == 0o600
    (warning,) = warnings_in(caplog)
    assert "does not let permissions be set" in warning


def test_a_file_system_without_modes_is_told_of(tmp_path, monkeypatch, caplog):
    """FAT takes a chmod and does nothing: all can read."""
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: None)
    before = os.umask(0)
    real = os.open
    monkeypatch.setattr(os, "open", lambda p, f, mode=0: real(p, f, 0o666))
    try:
        FileStore(tmp_path / "t.json").save(Token("a"))
    finally:
        os.umask(before)

    (warning,) = warnings_in(caplog)
    assert "does not let permissions be set" in warning


def test_elsewhere_files_have_the_permissions_of_their_folder(tmp_path, monkeypatch):
    """Windows has neither these modes nor such users."""
    fd = os.open(tmp_path / "t.json", os.O_CREAT | os.O_RDWR, 0o666)
    monkeypatch.setattr(os, "name", "nt")
    try:
        assert _files.make_private(fd)
        assert _place.doubt("C:\\x") is None
    finally:
        monkeypatch.undo()
        os.close(fd)


# -- what is no file, and what is no lock ------------------------------------------


@pytest.fixture
def no_file(tmp_path):
    """Everything that may be at a path and is no regular file."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        yield [
            *(tmp_path / name for name in ("folder", "fifo", "socket")),
            *("/dev/null", "/dev/zero"),
        ]


def test_what_is_no_file_costs_no_descriptor(no_file):
    """A server that looks again and again does not run out of them."""
    folder = "/proc/self/fd" if os.path.exists("/proc/self/fd") else "/dev/fd"
    before = len(os.listdir(folder))

    for path in no_file:
        store = FileStore(path)
        for _ in range(20):
            for call in (store.load, partial(store.save, Token("a")), store.delete):
                with pytest.raises(TokenStoreError, match="Cannot "):
                    call()

    assert len(os.listdir(folder)) == before
    assert all(os.path.exists(path) for path in no_file)


def test_a_folder_in_place_of_the_file_is_explained(no_file):
    """Docker makes one where the file to mount is missing."""
    with pytest.raises(TokenStoreError, match="it is a folder, as Docker makes"):
        FileStore(no_file[0]).load()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "second name"])
def test_what_is_planted_for_the_lock_is_not_opened(tmp_path, kind):
    """What locks a file empties it."""
    lock, victim = tmp_path / "t.json.lock", tmp_path / "victim"
    victim.write_text("precious")
    if kind == "link":
        lock.symlink_to(victim)
    elif kind == "second name":
        os.link(victim, lock)
    else:
        os.mkfifo(lock) if kind == "fifo" else lock.mkdir()

    is_locked_elsewhere(tmp_path / "t.json")

    assert victim.read_text() == "precious"


def test_another_users_lock_is_not_waited_for(require_root, caplog):
    """In a folder for all, it could be held for ever."""
    with a_folder(0, 0o1777) as folder:
        plant(folder / "t.json.lock", NOBODY, 0o666)

        is_locked_elsewhere(folder / "t.json")

        assert os.listdir(folder) == ["t.json.lock"]
