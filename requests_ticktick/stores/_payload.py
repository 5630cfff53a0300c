"""A token as text: whole, torn, or another program's text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._errors import InvalidTokenError, TokenStoreError
from .._pasted import unwrapped
from .._stamp import STAMP
from .._token import Token
from .._value import Value
from . import _files

#: Characters. Python takes seconds and much memory to parse a longer literal.
_MAX_LITERAL_CHARACTERS = 131_072

#: The first keys of JSON that this package, ticktick-py or oauthlib wrote.
_FIRST_KEYS = (
    *("access_token", "token_type", "refresh_token", "issued_at"),
    *("expires_at", "expires_in", "expire_time"),
)


class Content(Value):
    """The meaning of a store's text.

    :param token: The token; ``None`` if the text is not a whole token.
    :param what: What the text is instead, as the end of a sentence. It quotes
        nothing.
    :param is_ours: Whether the text is a token, whole or torn, and may be
        overwritten. All other text belongs to another program.
    """

    __slots__ = ("is_ours", "token", "what")

    token: Token | None
    what: str
    is_ours: bool

    def __init__(
        self, token: Token | None = None, what: str = "", *, is_ours: bool = False
    ) -> None:
        self._set(token=token, what=what, is_ours=is_ours)

    @property
    def is_torn(self) -> bool:
        """Whether there is something, and no token in it."""
        return self.token is None and self.what != "nothing"

    def read_at(self, location: str) -> Token | None:
        """Return the token; ``None`` for a torn one.

        :raises TokenStoreError: The text belongs to another program.
        """
        if self.token is None and not self.is_ours:
            raise self._refusal(location)
        return self.token

    def replaced_at(self, location: str) -> Token | None:
        """Return the token that may be overwritten; ``None`` for a torn one.

        :raises TokenStoreError: The text belongs to another program.
        """
        if not self.is_ours:
            raise self._refusal(location)
        return self.token

    def _refusal(self, location: str) -> TokenStoreError:
        return TokenStoreError(
            f"{location} holds {self.what}. It stays as it is: choose another place "
            "for the token, or remove it if nothing needs it any more.",
            location=location,
        )


def parse(content: str | bytes) -> Content:
    """Parse JSON, ticktick-py's Python literal, or a bare token.

    It raises nothing: a traceback would show the content.
    """
    if len(content) > _files.MAX_BYTES:
        return Content(what="more than a megabyte")
    try:
        text = unwrapped(
            content if isinstance(content, str) else _files.decoded(content)
        )
    except UnicodeDecodeError:
        return _damaged(content)
    if not text:
        return Content(what="nothing", is_ours=True)
    if text[0] in "{[":
        return _structure(text)
    return _word(text)


def dump(token: Token, existing: Token | None, location: str) -> str:
    """Return the text that replaces ``existing``, whose extra keys are kept.

    :raises TokenStoreError: The text could not be read again.
    """
    # The token comes first, so that torn text is recognised as a token.
    first = {"access_token": token.access_token}
    extra = existing.extra if existing else {}
    # The old token's stamp is not kept.
    kept = {name: extra[name] for name in extra if name not in STAMP}
    fields = {**first, **kept, **token.to_dict()}
    try:
        text = json.dumps(fields, separators=(",", ":"))
        if parse(text).token is not None:
            return text
        problem = "too large, or nested too deeply"
    except (ValueError, TypeError, RecursionError) as error:
        problem = type(error).__name__
    raise TokenStoreError(
        f"The token for {location} could not be read again ({problem}): keep "
        "plain data alone in Token(extra=...).",
        location=location,
    )


def _structure(text: str) -> Content:
    try:
        payload = _loaded(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _damaged(text)
    try:
        return Content(Token.from_dict(payload), is_ours=True)
    except InvalidTokenError as error:
        return Content(what=_why_none(payload, str(error)))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if len(text) > _MAX_LITERAL_CHARACTERS:
            raise
    from ast import literal_eval

    return literal_eval(text)


def _damaged(content: str | bytes) -> Content:
    # A multi-byte character may be torn as well.
    text = content if isinstance(content, str) else content.decode(errors="replace")
    text = unwrapped(text)
    if _is_followed_by_another(text):
        return Content(what="several objects, and no token alone")
    if _begins_like_ours(text):
        return Content(what="the beginning of a token alone", is_ours=True)
    return Content(what="something that is neither JSON nor a token")


def _is_followed_by_another(text: str) -> bool:
    """Whether a whole object precedes another, as in a log of JSON lines."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip().startswith("{")


def _begins_like_ours(text: str) -> bool:
    """Whether the first key is a token's, or the torn beginning of one."""
    found = re.match(r"""\{\s*(?:["'](\w*)(["'])?)?""", text)
    if found is None:
        return False
    name, is_whole = found[1] or "", found[2] is not None
    if is_whole:
        return name in _FIRST_KEYS
    return found.end() == len(text) and any(k.startswith(name) for k in _FIRST_KEYS)


def _why_none(payload: object, problem: str) -> str:
    if not isinstance(payload, Mapping):
        return "a list, and no object"
    if "access_token" in payload:
        return f"a token that cannot be used ({problem.rstrip('.')})"
    if "accessToken" in payload:
        return "a token under the name 'accessToken', where 'access_token' is read"
    for value in payload.values():
        if isinstance(value, Mapping) and "access_token" in value:
            return "a token inside of something else"
    return "JSON without an 'access_token'"


def _word(text: str) -> Content:
    from ._bare_token import is_certain, problem_with  # most files hold JSON

    problem = problem_with(text)
    if problem is not None:
        return Content(what=problem)
    if is_certain(text):
        return Content(Token(text), is_ours=True)
    # It could also be a version or a host name that another program needs.
    return Content(Token(text), "one word that may be another program's")
