"""``doctor``: is the token's place one that can be used, and by us alone?"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager

from ..._errors import LockTimeoutError, TickTickAuthError
from ..._token import Token
from ...stores import FileStore, TokenStore, _doubts, _files, _kernel_lock, _payload
from ..found import place_of
from .scene import Fault, Scene, is_variable


def corrupt_file(scene: Scene) -> Iterator[Fault]:
    """Find a file that holds no token, or the beginning of one."""
    for path in scene.files():
        try:
            content, _ = _files.read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            continue  # file_mode() says so
        except OSError as error:
            yield Fault("corrupt-file", f"{path}: {error.strerror}.", _elsewhere(scene))
            continue
        held = _payload.parse(content)
        if held.token is None:
            remedy = _elsewhere(scene)
            if held.is_ours:
                remedy = f"A sign-on writes it anew: {scene.login}"
            yield Fault("corrupt-file", f"{path} holds {held.what}.", remedy)


def _elsewhere(scene: Scene) -> str:
    return (
        "Remove it if nothing needs it, or name another file by --file or in "
        f"TICKTICK_TOKEN_FILE, then: {scene.login}"
    )


def file_mode(scene: Scene) -> Iterator[Fault]:
    """Find a file that others can read, or that we cannot."""
    for path in scene.files():
        with contextlib.suppress(OSError):
            status = os.stat(path)
            is_file = os.name == "posix" and stat.S_ISREG(status.st_mode)
            if is_file and status.st_mode & 0o077:
                found = f"Other users may read {path}."
            elif is_file and not os.access(path, os.R_OK):
                found = f"You may not read {path}."
            else:
                continue
            yield Fault("file-mode", found, f"chmod 600 {path}")


def folder_mode(scene: Scene) -> Iterator[Fault]:
    """Find a folder in which others could replace the file."""
    for path in scene.files():
        for doubt in _doubts.doubts(path):
            if not doubt.is_owner:
                found, _, remedy = doubt.text.partition(": ")
                yield Fault("folder-mode", f"{found}.", remedy)


def foreign_owner(scene: Scene) -> Iterator[Fault]:
    """Find a file, or something on the way to it, that is another user's."""
    for path in scene.files():
        for doubt in _doubts.doubts(path):
            if doubt.is_owner:
                found, _, remedy = doubt.text.partition(": ")
                yield Fault("foreign-owner", f"{found}.", f"{remedy.capitalize()}.")


def read_only(scene: Scene) -> Iterator[Fault]:
    """Find a place in which no token can be saved."""
    if scene.is_from_environment or scene.said & {"folder-mode", "foreign-owner"}:
        return  # nothing is to be saved; or nothing will be, for that reason
    for path in scene.files():
        problem = _why_not_writable(scene, path)
        if problem is not None:
            yield Fault(
                "read-only",
                f"No token can be saved in {path}: {problem}.",
                "Make its folder writable and see that the disk has room, or name "
                "another file in TICKTICK_TOKEN_FILE.",
            )


def _why_not_writable(scene: Scene, path: str) -> str | None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        can_be_made = os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)
        return None if can_be_made else f"a folder cannot be made in {folder}"
    held = next((f for f in scene.found if _is_at(f.store, path)), None)
    sample = scene.account.stamp.put_on(Token("sample")) if held is None else held.token
    if held is None and os.path.lexists(path):
        # Another program's, or torn: corrupt_file() tells of it.
        return None if os.access(folder, os.W_OK) else "its folder is read-only"
    try:
        # It takes room for a token, and gives it back.
        with FileStore(path).reserve(sample):
            return None
    except TickTickAuthError as error:
        return str(error).partition(": ")[2].partition(". ")[0]


def _is_at(store: TokenStore, path: str) -> bool:
    return isinstance(store, FileStore) and os.path.realpath(store.path) == path


def lock_unavailable(scene: Scene) -> Iterator[Fault]:
    """Find a lock that nobody can take."""
    for store in _locked_stores(scene):
        problem = _why_not_locked(store)
        if problem is not None:
            yield Fault(
                "lock-unavailable",
                f"The lock of {place_of(store)} cannot be taken: {problem}.",
                "Two programs could ask a person at once. Make it an ordinary file "
                "that you can write, or keep the token on a local disk.",
            )


def _why_not_locked(store: TokenStore) -> str | None:
    # The store itself makes do with a lock in memory, where its file fails.
    lock: AbstractContextManager[object] = (
        _kernel_lock.hold(_lock_of(store), 0.0, for_good=True)
        if isinstance(store, FileStore)
        else store.lock(0.0)
    )
    try:
        with lock:
            return None
    except LockTimeoutError:
        return None  # lock_held() says so
    except (OSError, NotImplementedError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        return problem.rstrip(".") or "the file system has no locks"


def lock_held(scene: Scene) -> Iterator[Fault]:
    """Find a lock that another process has, as while somebody signs on."""
    for store in _locked_stores(scene):
        try:
            with store.lock(0.0):
                continue
        except LockTimeoutError as error:
            found, _, remedy = str(error).partition(". ")
            yield Fault("lock-held", f"{found}.", remedy)


def _locked_stores(scene: Scene) -> Iterator[TokenStore]:
    """Yield the stores that hold a token and have a lock: none is made."""
    if scene.said & {"folder-mode", "foreign-owner", "read-only", "lock-unavailable"}:
        return  # for which reason there is no lock
    for store in scene.account.store.members():
        is_held = any(item.store is store for item in scene.found)
        if is_held and store.writable and _has_lock(store):
            yield store


def _has_lock(store: TokenStore) -> bool:
    return not isinstance(store, FileStore) or os.path.lexists(_lock_of(store))


def _lock_of(store: FileStore) -> str:
    return f"{os.path.realpath(store.path)}.lock"


def unreadable(scene: Scene) -> Iterator[Fault]:
    """Find a keychain, a server or a folder that cannot be reached."""
    from ..plain_words import in_plain_words

    if scene.said & {"corrupt-file", "file-mode"}:
        return
    for store, error in scene.unreadable:
        if not is_variable(store):
            found, _, remedy = in_plain_words(str(error)).partition(". ")
            yield Fault("store-unreachable", f"{found}.", remedy or scene.login)
