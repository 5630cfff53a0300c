"""Servers' error texts, cleaned for display.

Servers and firewalls quote what they refuse: the code, the client secret or
the header, in various encodings.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote_plus, unquote

#: Replaces a text that contains a secret.
WITHHELD = "its text quoted a secret and is withheld"

#: Error codes that are always shown: RFC 6749 4.1.2.1 and 5.2, RFC 7009 2.2.1,
#: RFC 7591 3.2.2, and TickTick's.
CODES = frozenset(
    {
        "access_denied",
        "exceed_query_limit",
        "invalid_client",
        "invalid_client_metadata",
        "invalid_grant",
        "invalid_redirect_uri",
        "invalid_request",
        "invalid_scope",
        "server_error",
        "slow_down",
        "temporarily_unavailable",
        "unauthorized",
        "unauthorized_client",
        "unknown_exception",
        "unsupported_grant_type",
        "unsupported_response_type",
        "unsupported_token_type",
    }
)

#: Characters of a text that are shown.
_MAX_TEXT_LENGTH = 300

#: Consecutive characters of a secret that must not appear. Of a shorter
#: secret, all its characters.
_FRAGMENT_LENGTH = 8

#: Characters. A shorter secret is searched for as a whole word, because any
#: three letters are part of some other word.
_MIN_FRAGMENT_LENGTH = 4

#: Encodings within encodings that are decoded. A text with more is withheld.
_MAX_DECODINGS = 6

#: Escapes of JSON, Python, JavaScript and C, ``%u0041`` of old servers, and
#: single bytes as ``0x41``.
_ESCAPE = (
    r"[\\%]u([0-9a-fA-F]{4})|\\u\{([0-9a-fA-F]{1,6})\}|(?:\\|0)x([0-9a-fA-F]{2})"
    r"|\\([0-3][0-7]{2})|\\[abfnrtv]"
)

#: Differences between encodings: a form's ``+``, JSON's quotes, and the two
#: alphabets of base64.
_IGNORED = str.maketrans({**dict.fromkeys("+-\\\"'"), "_": "/"})


def clean(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return a server's text as one short printable line.

    :param secrets: A text that contains one of them is withheld entirely.
    """
    if text in CODES:
        return text
    text = text[:_MAX_TEXT_LENGTH]
    if quotes_any(text, secrets):
        return WITHHELD
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def quotes_any(text: str, secrets: Iterable[str | None]) -> bool:
    """Whether a text contains a secret, or is encoded too often to tell."""
    wanted = [secret for secret in secrets if secret]
    if not text or not wanted:
        return False
    decoded, complete = _decoded(text)
    return not complete or any(_contains(text, decoded, each) for each in wanted)


def _contains(text: str, decoded: str, secret: str) -> bool:
    if len(_decoded(secret)[0]) < _MIN_FRAGMENT_LENGTH:
        return re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) is not None
    spaced = _letters(decoded)  # a list of numbers, "a:b:c"
    return any(
        _shares_fragment(form, shown)
        for encoded in _encodings(secret)
        for form, shown in ((encoded, decoded), (_letters(encoded), spaced))
        if len(form) >= _MIN_FRAGMENT_LENGTH
    )


def _shares_fragment(form: str, shown: str) -> bool:
    size = min(_FRAGMENT_LENGTH, len(form))
    # What comes as a code may be far longer than what is shown of a text.
    short, long = sorted((form, shown), key=len)
    return any(
        short[at : at + size] in long for at in range(max(0, len(short) - size + 1))
    )


def _encodings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and its bytes in the usual encodings."""
    found = [secret]
    for text in (secret, quote_plus(secret, errors="replace")):
        for charset in ("utf-8", "utf-16-le"):
            raw = text.encode(charset, "surrogatepass")
            found += [raw.hex(), "".join(map(str, raw))]
            # The text before the secret, such as the client id in HTTP Basic,
            # decides where the groups of three or five bytes begin.
            found += _in_groups(raw, 3, base64.b64encode)
            found += _in_groups(raw, 5, base64.b32encode)
    yield _visible(secret)  # its escapes need not be any, or be torn apart
    for encoded in found:
        yield _decoded(encoded)[0]


def _in_groups(raw: bytes, size: int, encode: Callable[[bytes], bytes]) -> list[str]:
    return [
        encode(raw[start : start + (len(raw) - start) // size * size]).decode()
        for start in range(size)
    ]


def _decoded(text: str) -> tuple[str, bool]:
    """Decode a text or a secret until nothing changes.

    Both are decoded, so that they can be compared, however often the text was
    escaped and whatever escapes the secret itself contains.

    :returns: The decoded text, and whether nothing was left to decode.
    """
    import html  # late: it brings a large table

    complete = False
    for _ in range(_MAX_DECODINGS):
        decoded = unquote(html.unescape(re.sub(_ESCAPE, _unescape, text)))
        complete = decoded == text
        if complete:
            break
        text = decoded
    return _visible(text), complete


def _visible(text: str) -> str:
    import unicodedata

    # Wide letters, and letters with accents, stand for plain ones.
    text = unicodedata.normalize("NFKD", text).translate(_IGNORED)
    kept = (c for c in text if c.isprintable() and not c.isspace())
    return "".join(kept).casefold()


def _letters(decoded: str) -> str:
    return "".join(c for c in decoded if c.isalnum())


def _unescape(match: re.Match[str]) -> str:
    *in_hex, in_octal = match.groups()
    number = int(in_octal, 8) if in_octal else int(next(filter(None, in_hex), "0"), 16)
    return chr(number) if 0 < number < 0x110000 else ""
