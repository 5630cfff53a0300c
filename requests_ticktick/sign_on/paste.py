"""What a person pasted: the redirect waited for, or what else it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from .terminal import Lines, say

if TYPE_CHECKING:
    from typing import TextIO

    from ..grant import AuthorizationRequest

_TRIES = 5

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

#: RFC 6749 A.11 has visible ASCII and spaces; nobody issues spaces.
_CODE = re.compile(r"[\x21-\x7e]{1,1024}")

_QUOTES = {'"': '"', "'": "'", "<": ">", "`": "`", "\u201c": "\u201d"}

#: What a terminal puts around a paste, where it was left in that mode.
_PASTE_MARKS = re.compile(r"\x1b\[20[01]~")


class Pasting:
    """A person at a terminal, and the few tries that they have.

    What was typed is held by no object and by no frame that can raise, so
    that no traceback shows it.

    :param lines: Where it is typed.
    :param output: Where they are told what was wrong.
    :param allow_bare_code: Whether the code alone will do.
    """

    def __init__(
        self,
        request: AuthorizationRequest,
        lines: Lines,
        *,
        output: TextIO | None = None,
        allow_bare_code: bool = False,
    ) -> None:
        self._request = request
        self._lines = lines
        self._output = output
        self._allow_bare_code = allow_bare_code
        self.ended = False
        self.tries_left = _TRIES

    def wait(self, timeout: float) -> str | None:
        """Return the URL redirected to, once it was pasted.

        :param timeout: Seconds to wait for a line, at most.
        """
        if self.ended or not self.tries_left:
            return None
        line = self._lines.read(timeout)
        if line is None:
            return None
        if not line:
            self.ended = True
            return None
        url = redirected_url(line, self._request, bare_code=self._allow_bare_code)
        if url is None:
            self.tries_left -= 1
            say(problem_with(line, self._request), self._output)
        return url


def redirected_url(
    text: str, request: AuthorizationRequest, *, bare_code: bool = False
) -> str | None:
    """Return the URL redirected to, if it is this request's.

    :param text: The whole URL, or its query, in quotes or not; with
        ``bare_code`` the code alone, which proves nothing about whose it is.
    """
    text = _unquoted(text)
    if _fields(text):
        url = text if _SCHEME.match(text) else _redirect(request, _query(text))
        return url if request.accepts(url) else None
    if bare_code and _is_bare_code(text):
        query = urlencode({"code": text, "state": request.state})
        return _redirect(request, query)
    return None


def problem_with(text: str, request: AuthorizationRequest) -> str:
    """Tell a person what they pasted instead. It is not repeated."""
    text = _unquoted(text)
    fields = _fields(text)
    if not text:
        problem = "That was empty."
    elif text == request.url or "response_type" in fields:
        problem = (
            "That is the address to open. Open it, allow access, and paste the "
            "address that the browser shows afterwards."
        )
    elif request.accepts(f"?{_query(text)}"):
        problem = "That is another address than the one that you are sent back to."
    elif "state" not in fields and fields:
        problem = "A part is missing (its 'state'): paste the address to its end."
    elif "code" in fields or "error" in fields:
        problem = (
            "That belongs to another sign-on: its 'state' is not this one's. Open "
            "the address that was shown last."
        )
    elif fields:
        problem = "A part is missing (its 'code'): paste the address to its end."
    elif _is_bare_code(text):
        problem = (
            "That could be the code alone, which may be anybody's: paste the whole "
            "address."
        )
    else:
        problem = "That is no address with a code in it."
    return f"{problem} It begins with {request.redirect_uri}"


def _unquoted(text: str) -> str:
    text = _PASTE_MARKS.sub("", text).strip()
    for _ in range(2):  # <"...">
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1].strip()
    return text


def _query(text: str) -> str:
    _, mark, query = text.partition("?")
    return query if mark else text.lstrip("&")


def _fields(text: str) -> frozenset[str]:
    """Return the names of those parameters that tell what the text is."""
    return frozenset(parse_qs(_query(text), keep_blank_values=True)) & {
        "code",
        "error",
        "response_type",
        "state",
    }


def _is_bare_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and _SCHEME.match(text) is None


def _redirect(request: AuthorizationRequest, query: str) -> str:
    # RFC 6749 3.1.2: a redirect URI keeps the query that it has.
    mark = "&" if "?" in request.redirect_uri else "?"
    return f"{request.redirect_uri}{mark}{query}"
