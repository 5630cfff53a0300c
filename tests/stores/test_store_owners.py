"""Files and folders of other users are neither used nor trusted."""

from __future__ import annotations

import grp  # before a test becomes a user who cannot read the standard library
import os
import pwd
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from clients import client_of
from inside import touch
from observing import warnings_in
from other_users import (
    NOBODY,
    a_folder,
    as_user,
    is_locked_elsewhere,
    own,
    plant,
)

from requests_ticktick import (
    FileStore,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores import _doubts, _place
from requests_ticktick.stores.keyring import KeyringStore


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


@pytest.mark.parametrize("named", ["link.json", "way/t.json", "planted.json"])
def test_nothing_is_removed_that_another_user_leads_to(require_root, named):
    """A link of theirs could name any token of mine: also a logout refuses."""
    with a_folder(0, 0o1777) as folder, a_folder(0) as mine:
        plant(mine / "t.json", 0)
        plant(folder / "planted.json", NOBODY, 0o644)
        (folder / "link.json").symlink_to(mine / "t.json")
        (folder / "way").symlink_to(mine)
        for link in ("link.json", "way"):
            os.chown(folder / link, NOBODY, NOBODY, follow_symlinks=False)

        with pytest.raises(TokenStoreError, match="belongs to another user"):
            FileStore(folder / named).delete()

        assert (mine / "t.json").exists()
        assert (folder / "planted.json").exists()


def test_in_a_folder_that_others_can_write_to_ones_own_is_removed(tmp_path):
    """A token that should not be there is best gone."""
    tmp_path.chmod(0o777)
    path = tmp_path / "t.json"
    path.write_text('{"access_token": "mine"}')

    FileStore(path).delete()

    assert not path.exists()


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


def access_list(*named):
    """An access control list as Linux keeps it: (tag, permissions, number)."""
    nobody = 0xFFFFFFFF
    entries = [(1, 7, nobody), *named, (4, 5, nobody), (16, 7, nobody), (32, 0, nobody)]
    ordered = sorted(entries, key=lambda entry: entry[0])
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in ordered)


USER, GROUP = 2, 8


@pytest.mark.parametrize(
    ("named", "is_open"),
    [
        ([(USER, 7, NOBODY)], True),
        ([(USER, 6, 0), (USER, 2, NOBODY)], True),
        ([(GROUP, 7, NOBODY)], True),
        ([(USER, 5, NOBODY), (GROUP, 5, NOBODY)], False),
        ([(USER, 7, 0), (GROUP, 7, 0)], False),
    ],
)
def test_an_access_control_list_counts(require_root, lacking, caplog, named, is_open):
    """The group of the folder is root's, and the list names others beside it."""
    with a_folder(0, 0o755) as folder:
        if not hasattr(os, "setxattr"):
            lacking("access control lists are set by os.setxattr alone")
        try:
            os.setxattr(folder, "system.posix_acl_access", access_list(*named))
        except OSError:
            lacking("the folder for temporary files has no access control lists")
        path = folder / "t.json"
        if not is_open:
            is_trusted(path, caplog)
            return
        plant(path, 0)

        is_refused(path, caplog, f"chmod go-w {folder}")
        os.chmod(folder, folder.stat().st_mode & ~0o022)
        is_trusted(path, caplog)


def test_root_in_a_users_home_is_told(require_root, sandbox, caplog):
    """``sudo`` keeps HOME: a file of root's there would lock the user out."""
    with a_folder(NOBODY, 0o755) as home:
        auth = client_of(sandbox, FileStore(home / ".local" / "t.json"))

        auth.token()

        assert list(home.iterdir()) == []
        touch(KeyringStore(lock_path=home / "a" / "lock"))
        assert list(home.iterdir()) == []
    warnings = warnings_in(caplog)
    assert any(f"belongs to another user (uid {NOBODY})" in text for text in warnings)
    assert any("used from memory" in text for text in warnings)


def test_another_user_who_creates_the_folder_first_gets_no_token(
    require_root, monkeypatch
):
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


def test_without_the_kernels_map_of_users_no_folder_is_unmapped(tmp_path, monkeypatch):
    """On macOS, and where /proc is not mounted."""
    monkeypatch.setattr(
        _doubts, "open", lambda path: (tmp_path / "none").open(), raising=False
    )

    assert not _doubts.is_unmapped(os.stat(tmp_path))


def test_a_path_that_goes_round_and_round_ends(tmp_path):
    """Each verb says what the system does."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    store = FileStore(tmp_path / "a")

    with pytest.raises(TokenStoreError, match="Cannot read"):
        store.load()
    with pytest.raises(TokenStoreError, match="Cannot write"):
        store.save(Token("a"))
    assert _place.doubt(store.path) is None


@pytest.mark.parametrize("links", [30, 45])
def test_as_many_links_are_followed_as_the_system_follows(tmp_path, links):
    """What was saved behind more of them, nobody could read."""
    path = tmp_path / "t.json"
    FileStore(path).save(Token("old"))
    for number in range(links):
        (tmp_path / f"link{number}").symlink_to(path)
        path = tmp_path / f"link{number}"

    if links < 40:
        FileStore(path).save(Token("new"))
    else:
        with pytest.raises(TokenStoreError, match="Cannot write"):
            FileStore(path).save(Token("new"))

    kept = Token("new" if links < 40 else "old")
    assert FileStore(tmp_path / "t.json").load() == kept


def test_the_look_at_a_path_is_not_repeated(tmp_path, monkeypatch):
    """It is for the first reading; others are as cheap as they were."""
    store, looks, real = FileStore(tmp_path / "t.json"), [], _place.doubt
    store.save(Token("a"))
    monkeypatch.setattr(_place, "doubt", lambda path: looks.append(path) or real(path))

    for _ in range(5):
        store.load()

    assert looks == [store.path]
