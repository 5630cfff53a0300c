"""What servers say: made fit to be shown, and translated.

Servers, and firewalls before them, quote what they refuse: the code, the
secret, the header, in one spelling or another.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote_plus, unquote

#: What takes the place of a text that shows a secret.
WITHHELD = "its text quoted a secret and is withheld"

#: Shown whatever is secret: RFC 6749 4.1.2.1 and 5.2, and TickTick's own.
CODES = frozenset(
    {
        "access_denied",
        "exceed_query_limit",
        "invalid_client",
        "invalid_grant",
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
    }
)

#: Characters of a text that are shown.
_LONGEST = 300

#: Characters of a secret in a row that give it away. Of a shorter one, all do.
_TELLING = 8

#: A shorter secret is looked for as a word of its own, since any three letters
#: are part of some other word.
_SHORTEST = 4

#: Spellings within spellings; what is nested more deeply hides something.
_DEEPEST = 6

#: JSON's, Python's and JavaScript's escapes, and ``%u0041`` of old servers.
_ESCAPE = r"[\\%]u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[abfnrtv]"

#: What one spelling has and another has not: a form's ``+``, the quotes around
#: JSON, the two alphabets of base64.
_IGNORED = str.maketrans({**dict.fromkeys("+-\\\"'"), "_": "/"})


def hint(text: str, redirect_uri: str) -> str | None:
    """Translate what TickTick's servers are known to say.

    Most of the trouble that users of other clients report is one of these.
    """
    text = text.lower()
    if "redirect_uri must be registered" in text:
        return (
            f"Your app has no redirect URI: add {redirect_uri} to it in TickTick's "
            "developer portal."
        )
    if "invalid redirect" in text or "registered values" in text:
        return (
            f"The redirect URI {redirect_uri} is not the one that your app has in "
            "TickTick's developer portal. They must be equal letter for letter: "
            "scheme, host (localhost is not 127.0.0.1), port and the slash at the end."
        )
    if "bad client credentials" in text or "invalid_client" in text:
        return (
            "Compare client_id and client_secret with your app's page in TickTick's "
            "developer portal, and check that the service (TickTick or Dida365) is "
            "the one that it was registered with."
        )
    return None


def clean(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Make a server's words fit to be shown: one short line of them.

    :param secrets: A text that shows one of them is withheld as a whole.
    """
    if text in CODES:
        return text
    text = text[:_LONGEST]
    if _shows_any(text, [secret for secret in secrets if secret]):
        return WITHHELD
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _shows_any(text: str, secrets: list[str]) -> bool:
    if not secrets:
        return False
    plain, settled = _plain(text)
    if not settled:
        return True
    return any(_shows(text, plain, secret) for secret in secrets)


def _shows(text: str, plain: str, secret: str) -> bool:
    if len(_plain(secret)[0]) < _SHORTEST:
        return re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) is not None
    return any(
        spelling[at : at + _TELLING] in plain
        for spelling in _spellings(secret)
        for at in range(max(1, len(spelling) - _TELLING + 1))
    )


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as it would be in base64 and in hex."""
    found = [secret]
    for text in (secret, quote_plus(secret, errors="replace")):
        raw = text.encode("utf-8", "surrogatepass")
        found.append(raw.hex())
        # What precedes it decides where base64's groups of three bytes begin:
        # the client's id, in HTTP Basic.
        for start in range(3):
            groups = raw[start : start + (len(raw) - start) // 3 * 3]
            found.append(base64.b64encode(groups).decode())
    for spelling in found:
        plain, _ = _plain(spelling)
        if len(plain) >= _SHORTEST:
            yield plain


def _plain(text: str) -> tuple[str, bool]:
    """Undo every spelling, of a text and of a secret alike.

    Both are decoded until nothing changes, so that they can be compared,
    however often the one was escaped, and whatever escapes the other holds.

    :returns: The text, and whether there was nothing left to undo.
    """
    import html  # late: it brings a large table

    settled = False
    for _ in range(_DEEPEST):
        decoded = unquote(html.unescape(re.sub(_ESCAPE, _unescape, text)))
        settled = decoded == text
        if settled:
            break
        text = decoded
    text = text.translate(_IGNORED)
    kept = (c for c in text if c.isprintable() and not c.isspace())
    return "".join(kept).casefold(), settled


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else ""
