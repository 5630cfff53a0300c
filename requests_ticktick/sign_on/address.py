"""The address in what a person pasted, or what that is instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest

#: Characters of a text that is looked at, and of an address that goes on.
LONGEST_TEXT = 16_384
_LONGEST_ADDRESS = 4096

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

#: RFC 6749 A.11 has visible ASCII and spaces; nobody issues spaces.
_CODE = re.compile(r"[\x21-\x7e]{1,1024}")

_QUOTES = {'"': '"', "'": "'", "<": ">", "`": "`", "\u201c": "\u201d"}

#: What comes along with an address and is in none (RFC 3986 2): white space
#: and hyphens where its rows broke, what nobody sees, the frames of windows in
#: a terminal, and what a terminal puts around a paste.
_NOISE = re.compile(
    "\x1b\\[[0-9;]*[A-Za-z~]"
    "|[\\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\u2500-\u257f\ufeff]"
)

#: How HTML, JSON and shells write what stands between two parameters.
_AMPERSAND = re.compile(r"&amp;|\\u0026|[\\^]&")
_ESCAPED = re.compile(r"[\\^](?=[?=])")

#: What stands around an address in a command, a sentence or a Markdown link.
_AROUND = re.compile("[\"'`<>()\\[\\]{}|\u2018\u2019\u201c\u201d\u00ab\u00bb]+")


def redirected_url(
    text: str, request: AuthorizationRequest, *, bare_code: bool = False
) -> str | None:
    """Return the URL redirected to, if it is this request's.

    :param text: The whole URL, or its query, with whatever came along; with
        ``bare_code`` the code alone, which proves nothing about whose it is.
    """
    for reading in _readings(text):
        reading = reading[max(0, reading.find(request.redirect_uri)) :]
        if _fields(reading):
            whole = _SCHEME.match(reading) is not None
            url = reading if whole else _redirect(request, _query(reading))
            if request.accepts(url):
                return url
    text = _unquoted(text)
    if bare_code and _is_bare_code(text) and not _fields(text):
        query = urlencode({"code": text, "state": request.state})
        return _redirect(request, query)
    return None


def problem_with(text: str, request: AuthorizationRequest) -> str:
    """Tell a person what they pasted instead. It is not repeated."""
    typed = _unquoted(text)
    text = _without_noise(typed)
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
        problem = "A part is missing (its 'state'): paste the rest as well."
    elif "code" in fields or "error" in fields:
        problem = (
            "That belongs to another sign-on: its 'state' is not this one's. Open "
            "the address that was shown last."
        )
    elif fields:
        problem = "A part is missing (its 'code'): paste the rest as well."
    elif _is_bare_code(typed):
        problem = (
            "That could be the code alone, which may be anybody's: paste the whole "
            "address."
        )
    else:
        problem = "That is no address with a code in it."
    return f"{problem} It begins with {request.redirect_uri}"


def _readings(text: str) -> Iterator[str]:
    """Yield what the address may be, the likeliest first.

    Only one can be right: that whose state is the request's.
    """
    if len(text) > LONGEST_TEXT:
        return
    text = _ESCAPED.sub("", _AMPERSAND.sub("&", text))
    together = _without_noise(_unquoted(text))
    yield together
    for part in (together, *text.split()):
        for piece in _AROUND.split(part):
            yield _without_noise(piece).rstrip(".,;:!")


def is_begun(text: str, request: AuthorizationRequest) -> bool:
    """Whether an address may have been cut here, and go on in a next line."""
    text = _without_noise(_unquoted(text))
    start = text.find(f"{request.redirect_uri.partition(':')[0]}:")
    address, own = (
        each.removeprefix(scheme.group()) if (scheme := _SCHEME.match(each)) else each
        for each in (text[max(start, 0) :].lstrip("\"'`<(["), request.redirect_uri)
    )
    fields = _fields(text)
    state = parse_qs(_query(text)).get("state", [""])[0]
    if "response_type" in fields or not request.state.startswith(state):
        return False
    if request.accepts(f"?{_query(text)}"):
        return False  # it is whole, and leads elsewhere
    looks = address.startswith(own) or (len(address) > 3 and own.startswith(address))
    return len(text) <= _LONGEST_ADDRESS and (looks or bool(fields))


def _without_noise(text: str) -> str:
    return _NOISE.sub("", text)


def _unquoted(text: str) -> str:
    text = text.strip()
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
