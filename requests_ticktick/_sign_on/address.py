"""Finds the redirect in pasted text, or explains what the text is instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

if TYPE_CHECKING:
    from .._grant.request import AuthorizationRequest

#: Characters of a text that is searched, and of an address that may continue
#: on the next line.
MAX_TEXT_LENGTH = 16_384
_MAX_ADDRESS_LENGTH = 4096

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

#: RFC 6749 A.11, without the space, which no service issues.
_CODE = re.compile(r"[\x21-\x7e]{1,1024}")

_QUOTES = {'"': '"', "'": "'", "<": ">", "`": "`", "\u201c": "\u201d"}

#: Characters that come with a pasted address but are not part of it (RFC 3986
#: 2): white space and soft hyphens at line breaks, the marks of quoted mail
#: and of a shell's continued lines, invisible characters, window frames drawn
#: in a terminal, and a terminal's marks around a paste.
_NOISE = re.compile(
    "\x1b\\[[0-9;]*[A-Za-z~]"
    "|(?m:^[ \t]*>[> \t]*)|[\\\\^`](?=\r?\n|$)"
    "|[\\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\u2500-\u257f\ufeff]"
)

#: How HTML, JSON and shells write the ``&`` between two parameters.
_AMPERSAND = re.compile(r"(?i)&amp;|&#0*38;|&#x0*26;|\\u0026|[\\^]&")
_ESCAPED = re.compile(r"[\\^](?=[?=])")

#: Characters around an address in a command, a sentence or a Markdown link.
_DELIMITERS = re.compile("[\"'`<>()\\[\\]{}|\u2018\u2019\u201c\u201d\u00ab\u00bb]+")


def redirected_url(
    text: str, request: AuthorizationRequest, *, bare_code: bool = False
) -> str | None:
    """Return the URL redirected to, if it belongs to this request.

    :param text: The whole URL or its query, perhaps with other text around it.
    :param bare_code: Accept the code alone, too, which has no proof of the
        sign-on that it belongs to.
    """
    for reading in _readings(text, request.redirect_uri):
        reading = reading[max(0, reading.find(request.redirect_uri)) :]
        if _fields(reading):
            whole = _SCHEME.match(reading) is not None
            url = reading if whole else _redirect(request, _query(reading))
            if request.accepts(url):
                return url
    text = _without_quotes(text)
    if bare_code and _is_bare_code(text) and not _fields(text):
        query = urlencode({"code": text, "state": request.state})
        return _redirect(request, query)
    return None


def problem_with(text: str, request: AuthorizationRequest) -> str:
    """Return a message that says what the text is, without quoting it."""
    unquoted = _without_quotes(text)
    text = _without_noise(unquoted)
    fields = _fields(text)
    if not text:
        problem = "That was empty."
    elif text == request.url or "response_type" in fields:
        problem = (
            "That is the address to open. Open it, allow access, and paste the "
            "address that the browser shows afterwards."
        )
    elif request.accepts(f"?{_query(text)}"):
        problem = "That is not the address that the browser is redirected to."
    elif "state" not in fields and fields:
        problem = "A part is missing (its 'state'): paste the rest as well."
    elif "code" in fields or "error" in fields:
        problem = (
            "That belongs to another sign-on: its 'state' is different. Open the "
            "address that was shown last."
        )
    elif fields:
        problem = "A part is missing (its 'code'): paste the rest as well."
    elif _is_bare_code(unquoted):
        problem = (
            "That may be the code alone, which does not prove which sign-on it is "
            "for: paste the whole address."
        )
    else:
        problem = "That is not an address with a code in it."
    return f"{problem} The address begins with {request.redirect_uri}"


def _readings(text: str, redirect_uri: str) -> Iterator[str]:
    """Yield the possible readings of a pasted address, the likeliest first.

    At most one of them has the request's state.
    """
    if len(text) > MAX_TEXT_LENGTH:
        return
    text = _ESCAPED.sub("", _AMPERSAND.sub("&", text))
    together = _without_noise(_without_quotes(text))
    yield together
    _, start, rest = together.partition(redirect_uri)
    yield start + rest.partition(redirect_uri)[0]  # of an address pasted twice
    for part in (together, *text.split()):
        for piece in _DELIMITERS.split(part):
            yield _without_noise(piece).rstrip(".,;:!")


def is_partial_address(text: str, request: AuthorizationRequest) -> bool:
    """Whether the text may be the start of an address that continues."""
    text = _without_noise(_without_quotes(text))
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
        return False  # complete, but at another address
    is_start = address.startswith(own) or (len(address) > 3 and own.startswith(address))
    return len(text) <= _MAX_ADDRESS_LENGTH and (is_start or bool(fields))


def _without_noise(text: str) -> str:
    return _NOISE.sub("", text)


def _without_quotes(text: str) -> str:
    text = text.strip()
    for _ in range(2):  # <"...">
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1].strip()
    return text


def _query(text: str) -> str:
    _, mark, query = text.partition("?")
    return query if mark else text.lstrip("&")


def _fields(text: str) -> frozenset[str]:
    """Return the names of the OAuth parameters in the text."""
    return frozenset(parse_qs(_query(text), keep_blank_values=True)) & {
        "code",
        "error",
        "response_type",
        "state",
    }


def _is_bare_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and _SCHEME.match(text) is None


def _redirect(request: AuthorizationRequest, query: str) -> str:
    # RFC 6749 3.1.2: a redirect URI may have a query, which is kept.
    mark = "&" if "?" in request.redirect_uri else "?"
    return f"{request.redirect_uri}{mark}{query}"
