"""Values copied from a shell, a ``.env`` file, an editor or a clipboard."""

from __future__ import annotations

import re

#: A UTF-8 BOM that was decoded with a Windows code page.
_MISREAD_BOM = "\u00ef\u00bb\u00bf"

_QUOTES = dict(
    zip(
        "\"'`\u00ab\u201c\u2018\u201e\u201a",
        "\"'`\u00bb\u201d\u2019\u201c\u2018",
        strict=True,
    )
)

#: Words that stand for a missing value in configuration files.
_NO_VALUE = frozenset(
    {"false", "missing", "n/a", "na", "nan", "nil", "none", "null", "true", "unset"}
    | {"undefined"}
)

#: What templates, forms and examples have in the place of a value, in lower
#: case: a pattern that ignores the case takes twice as long to compile.
_PLACEHOLDER = (
    r"[$%#{]?\{.*\}#?|<.*>|\$\(.*\)|\$[a-z_]+|%[a-z_]+%|(@@|__)[a-z_]+\1|[dt]p_"
    r"|([dt]p_)?(\.+|-+|\*+|x{3,}|your.*|fixme|placeholder|redacted|todo)"
    r"|change.?(it|me|this)|(enter|insert|paste|put|replace)[\W_].*"
    r"|access_token|client_(id|secret)|(ticktick|dida365)_(\w+_)?(id|key|secret|token)"
)

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


def stand_in(text: str) -> str | None:
    """Describe a value that stands for another, as the end of a sentence.

    :param text: The value, unwrapped.
    :returns: ``None`` if the value may be a real one.
    """
    text = text.lower()
    if text.removeprefix("(").removesuffix(")") in _NO_VALUE:
        return "a word that stands for no value"
    if re.fullmatch(_PLACEHOLDER, text, re.DOTALL):
        return "a placeholder that was not filled in"
    return None


def _trimmed(text: str) -> str:
    return text.removeprefix(_MISREAD_BOM).strip(_BLANK)
