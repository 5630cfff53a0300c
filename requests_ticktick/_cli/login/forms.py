"""The forms in which a token is handed over."""

from __future__ import annotations

import json
import re

from ..._token import Token
from ...stores._env import DEFAULT_VARIABLE
from ..output import as_json

#: The values of ``--format``, and what each is for.
FORMS = {
    "json": "for FileStore and EnvStore",
    "env": "a line for another shell",
    "literal": "for ticktick-py",
    "dotenv": "a line for a .env file",
    "bare": "the token alone",
}

#: What some reader of ``.env`` files, or a shell, takes for something else
#: although it is in single quotes.
_AWKWARD = re.compile(r"""\\["\\]|['$`# ]""")


def formatted(token: Token, form: str) -> str:
    """Return a token as one line.

    :param form: One of :data:`FORMS`.
    """
    if form == "bare":
        return token.access_token
    if form == "literal":
        return repr(token.to_dict())
    if form == "env":
        return f"export {_assignment(token)}"
    return _assignment(token) if form == "dotenv" else as_json(token)


def is_line(form: str) -> bool:
    """Whether a form is a line of a file that may have others."""
    return form in ("env", "dotenv")


def _assignment(token: Token) -> str:
    """Return the variable and its value, in which nothing has to be escaped.

    It holds no white space: CI systems mask such a value in their logs.
    """
    text = json.dumps(token.to_dict(), separators=(",", ":"))
    return f"{DEFAULT_VARIABLE}='{_AWKWARD.sub(_as_json_escape, text)}'"


def _as_json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0][-1]):04x}"
