"""Being another user for a while, and files that belong to one."""

from __future__ import annotations

import codecs
import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import platformdirs
import pytest

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
)

NOBODY = 54321  # who has no entry in the list of users


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@contextlib.contextmanager
def inside(folder):
    """Work in a folder; another user might not be able to come back."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


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
