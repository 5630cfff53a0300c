"""Servers' error texts, cleaned for display.

Servers and firewalls quote what they refuse: the code, the client secret or
the header, in various encodings.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
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

#: JSON's, Python's and JavaScript's escapes, and ``%u0041`` of old servers.
_ESCAPE = r"[\\%]u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[abfnrtv]"

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
    if _contains_any(text, [secret for secret in secrets if secret]):
        return WITHHELD
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _contains_any(text: str, secrets: list[str]) -> bool:
    if not secrets:
        return False
    decoded, complete = _decoded(text)
    if not complete:
        return True
    return any(_contains(text, decoded, secret) for secret in secrets)


def _contains(text: str, decoded: str, secret: str) -> bool:
    if len(_decoded(secret)[0]) < _MIN_FRAGMENT_LENGTH:
        return re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) is not None
    return any(
        form[at : at + _FRAGMENT_LENGTH] in decoded
        for form in _encodings(secret)
        for at in range(max(1, len(form) - _FRAGMENT_LENGTH + 1))
    )


def _encodings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, in base64 and in hex."""
    found = [secret]
    for text in (secret, quote_plus(secret, errors="replace")):
        raw = text.encode("utf-8", "surrogatepass")
        found.append(raw.hex())
        # The text before the secret, such as the client id in HTTP Basic,
        # decides where base64's groups of three bytes begin.
        for start in range(3):
            groups = raw[start : start + (len(raw) - start) // 3 * 3]
            found.append(base64.b64encode(groups).decode())
    for encoded in found:
        form, _ = _decoded(encoded)
        if len(form) >= _MIN_FRAGMENT_LENGTH:
            yield form


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
    text = text.translate(_IGNORED)
    kept = (c for c in text if c.isprintable() and not c.isspace())
    return "".join(kept).casefold(), complete


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else ""
