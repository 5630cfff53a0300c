"""Text as it arrives from a shell, a ``.env`` file, an editor, a clipboard."""

from __future__ import annotations

#: What a BOM looks like to whoever reads it in a Windows code page.
_MISREAD_BOM = "\u00ef\u00bb\u00bf"

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d"}


def unwrapped(text: str) -> str:
    """Take off what is around a value and no part of it.

    That is white space, line ends of any system, a BOM, other characters that
    cannot be seen, and pairs of quotes.
    """
    text = _trimmed(text)
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = _trimmed(text[1:-1])
    return text


def _trimmed(text: str) -> str:
    text = text.removeprefix(_MISREAD_BOM)
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(character: str) -> bool:
    # Half a surrogate pair is what a byte that is no text was read as.
    is_text = not "\ud800" <= character <= "\udfff"
    return character.isspace() or (is_text and not character.isprintable())
