"""What a person's key is called where tokens are kept."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from .._errors import TokenStoreError

#: All else is escaped. Capitals as well: some file systems do not tell them
#: from small letters.
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.-_@+")

#: With what stores add to it, the name of a file takes 255 bytes at most.
_LONGEST = 160


def name_of(key: object) -> str:
    """Return a name for a key, which no other key has.

    It is ASCII without capitals, slashes and colons.

    :raises TypeError: The key is no string.
    :raises TokenStoreError: There can be no such name.
    """
    if not isinstance(key, str):
        raise TypeError(f"A key is a string, not {type(key).__name__}: use str(...)")
    data = key.encode("utf-8", "surrogatepass")
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in data)
    if 0 < len(name) <= _LONGEST:
        return name
    raise TokenStoreError(
        f"The vault has no place for a key of {len(key)} characters. It takes 1 to "
        f"{_LONGEST} letters and digits; a capital or another character counts as "
        "three or more. Use the id of the person's account."
    )


def key_of(name: str) -> str | None:
    """Return the key that has this name; ``None`` if none has."""
    try:
        key = unquote_to_bytes(name).decode("utf-8", "surrogatepass")
        return key if name_of(key) == name else None
    except (UnicodeError, TokenStoreError):
        return None
