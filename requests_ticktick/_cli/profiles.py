"""The profiles of this machine, and what is remembered of each."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from .._errors import TokenStoreError
from .._token import Token
from ..stores import FileStore

#: What the name of a profile's file is, behind the profile.
_SUFFIX = ".json"


def profiles() -> list[str]:
    """Return the names of all profiles that have a file, in their order."""
    with contextlib.suppress(OSError, TokenStoreError):
        names = os.listdir(os.path.dirname(file_of("default")))
        found = (re.fullmatch(r"(\w[\w.@+-]*)\.json", name) for name in names)
        # A link to a file that is gone is none.
        return sorted(f[1] for f in found if f and os.path.exists(file_of(f[1])))
    return []


def file_of(profile: str) -> str:
    """Return a profile's file.

    :raises TokenStoreError: There is no folder for profiles.
    """
    return FileStore(profile=profile).path


def unknown_profile(profile: str | None) -> Iterator[str]:
    """Say which profile may have been meant, unless this one is there.

    :param profile: ``None`` if none was named.
    """
    known = profiles()
    if profile is None or not known or profile in known:
        return
    from difflib import get_close_matches

    close = get_close_matches(profile, known, 1)
    meant = (
        f": did you mean {close[0]}?" if close else f"; there are {', '.join(known)}."
    )
    yield f"There is no profile {profile}{meant}"


def twins_of(token: Token, path: str) -> list[str]:
    """Return the profiles, other than the file's own, that hold a token too.

    :param path: The file that holds it.
    """
    twins = []
    for profile in profiles():
        store = FileStore(profile=profile)
        with contextlib.suppress(TokenStoreError):
            other = None if _same_file(store.path, path) else store.load()
            if other is not None and other.access_token == token.access_token:
                twins.append(profile)
    return twins


def _same_file(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


# -- The client, which a sign-on need not ask for again -----------------------


def remembered_client(path: str) -> str | None:
    """Return the id of the client that last signed on for a profile's file."""
    from ..stores import _files

    try:
        text = _files.read(_client_file(path))[0].decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.isprintable() and text else None


def remember_client(path: str, client_id: str | None) -> None:
    """Keep the id of a client beside a profile's file, for this user alone.

    Other files get none: what is beside them is not ours.
    """
    with contextlib.suppress(OSError, TokenStoreError):
        is_ours = os.path.dirname(path) == os.path.dirname(file_of("default"))
        if is_ours and client_id is not None:
            from ..stores import _replacing

            _replacing.replace(_client_file(path), f"{client_id}\n".encode())


def rename_client(path: str, new_path: str) -> None:
    """Let what is remembered follow a profile's file."""
    new = f"{new_path.removesuffix(_SUFFIX)}.client"
    with contextlib.suppress(OSError):
        os.replace(f"{path.removesuffix(_SUFFIX)}.client", new)


def _client_file(path: str) -> str:
    return f"{os.path.realpath(path).removesuffix(_SUFFIX)}.client"
