"""Values copied from a shell, a ``.env`` file, an editor or a clipboard."""

from __future__ import annotations

#: A UTF-8 BOM that was decoded with a Windows code page.
_MISREAD_BOM = "\u00ef\u00bb\u00bf"

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}

#: Invisible characters: white space, control and format characters, a BOM.
_BLANK = "".join(
    map(
        chr,
        [
            *range(0x21),
            *range(0x7F, 0xA1),
            *(0xAD, 0x1680, 0x180E),
            *range(0x2000, 0x2010),
            *range(0x2028, 0x2030),
            *range(0x205F, 0x2070),
            *(0x3000, 0xFEFF),
        ],
    )
)


def unwrapped(text: str) -> str:
    """Return a value without the quotes and invisible characters around it.

    Invisible characters are white space, line ends of any system, a BOM, and
    control and format characters.
    """
    text = _trimmed(text)
    for _ in range(3):
        if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
            break
        text = _trimmed(text[1:-1])
    return text


def _trimmed(text: str) -> str:
    return text.removeprefix(_MISREAD_BOM).strip(_BLANK)
