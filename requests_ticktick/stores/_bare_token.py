"""A token that stands alone, as one word."""

from __future__ import annotations

import base64
import re
from string import ascii_letters, digits

from .._pasted import stand_in
from . import _files

#: Characters. No server accepts a longer header.
_MAX_WORD_CHARACTERS = 16_384

#: A bearer token, up to its equals signs (RFC 6750 2.1). Text with braces,
#: colons, dollar signs or quotes is something else: JSON, a setting, an
#: address, a variable.
_BEARER = frozenset(ascii_letters + digits + "._~+/-")

#: The path of a file, such as a container's secret, and not its content.
_PATH = r"(~|\.\.?)/.*|(/[\w.-]+){2,}"

#: A word that is surely a token: a personal API token, a UUID or another long
#: random text, a JWT. ``3.11.4`` and ``db.internal`` are not, nor is a number
#: or what has another service's prefix: ``ghp_``, ``xoxb-``, ``AKIA``.
_CERTAIN_TOKEN = (
    r"[dt]p_\w+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?!\d+$|[a-z]{2,}\d?[_-]|AKIA)[A-Za-z0-9_-]{20,}=*"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"
)


def problem_with(text: str) -> str | None:
    """Return what the text is instead of a token, or ``None``.

    :returns: The end of a sentence, which quotes nothing.
    """
    if "\n" in text:
        return "several lines of text"
    if instead := stand_in(text):
        return instead
    if "/" in text and re.fullmatch(_PATH, text):
        return "the path of a file, where its content should be"
    word = text.rstrip("=")
    if len(text) > _MAX_WORD_CHARACTERS or not word or not _BEARER.issuperset(word):
        return "text that no bare token consists of"
    return "JSON in base64: decode it first" if _hides_json(text) else None


def is_certain(word: str) -> bool:
    """Whether the word is surely a token, which may be replaced."""
    return re.fullmatch(_CERTAIN_TOKEN, word) is not None


def _hides_json(text: str) -> bool:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        raw = base64.b64decode(padded.translate({45: 43, 95: 47}), validate=True)
        return bool(re.match(r"""\s*[{\[]\s*["'{}\[\]]""", _files.decoded(raw)))
    except ValueError:
        return False
