"""File systems that refuse something, and places that hold no file."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from functools import partial

import pytest
from clients import client_of
from observing import warnings_in
from other_users import (
    NOBODY,
    a_folder,
    as_user,
    is_locked_elsewhere,
    mode_of,
    plant,
)

from requests_ticktick import (
    FileStore,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick.stores import _files, _in_place, _place


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


# -- file systems that refuse --------------------------------------------------


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


def test_a_file_that_another_user_put_there_is_not_written(require_root):
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


# -- what is no file, and what is no lock --------------------------------------


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
def test_a_link_pipe_or_folder_planted_as_the_lock_is_not_opened(tmp_path, kind):
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
