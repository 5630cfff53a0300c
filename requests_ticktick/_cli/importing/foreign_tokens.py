"""Tokens as other clients of TickTick keep them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..._errors import InvalidTokenError
from ..._pasted import unwrapped
from ..._stamp import REGISTERED, STAMP
from ..._token import Token
from ..._value import discreet
from ...stores import _files, _payload

#: No token is longer.
MAX_BYTES = _files.MAX_BYTES + 1

#: The variables that clients read a token from, and for the expiry.
VARIABLES = (
    "TICKTICK_TOKEN",
    "TICKTICK_ACCESS_TOKEN",
    "TICKTICK_API_TOKEN",
    "TICKTICK_API_KEY",
)
PYTICKTICK = "PYTICKTICK_V1_TOKEN_VALUE"
_PYTICKTICK_EXPIRY = "PYTICKTICK_V1_TOKEN_EXPIRATION"

#: The MCP servers. mcp-remote names its files by the MD5 of their address.
_MCP_SERVERS = ("https://mcp.ticktick.com", "https://mcp.dida365.com")

#: What else names the access token, and its expiry.
_OTHER_NAMES = {
    "accessToken": "access_token",
    "value": "access_token",
    "expiresAt": "expires_at",
    "expiration": "expires_at",
    "refreshToken": "refresh_token",
}

#: A line of a ``.env`` file, perhaps with a comment behind the value.
_DOTENV_LINE = (
    r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*"
    r"""(".*?"|'.*?'|[^'"\s].*?|)(?:\s+#.*)?\s*"""
)


@dataclass(frozen=True)
class Offer:
    """A token that can be imported.

    :param source: The name of the source, as it is typed.
    :param place: What a person calls the place.
    """

    source: str
    place: str
    token: Token


@discreet
def token_in(text: str | bytes, *, written_at: float | None = None) -> Token | None:
    """Return the token in a text, without what else the text holds.

    The text is JSON or a literal, the token at its top or one level below; or
    a bare token.

    :param written_at: When the text was written, in epoch seconds, if known: a
        lifetime alone counts from there.
    """
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        payload = None
    if isinstance(payload, Mapping):
        for fields in (payload, *payload.values()):
            if isinstance(fields, Mapping):
                with suppress(InvalidTokenError):
                    return _bare(Token.from_dict(_renamed(fields, written_at)))
    token = _payload.parse(text).token
    return None if token is None else _bare(token)


def _renamed(fields: Mapping[str, Any], written_at: float | None) -> dict[str, Any]:
    """Return the fields under the names that we read."""
    named = {_OTHER_NAMES.get(name, name): value for name, value in fields.items()}
    if written_at is not None and not named.keys() & {"expires_at", "expire_time"}:
        named.setdefault("issued_at", written_at)
    return named


def _bare(token: Token) -> Token:
    """Return a token without another client's keys, which may be secrets."""
    ours = {k: v for k, v in token.extra.items() if k in (*STAMP, REGISTERED)}
    return token.replace(extra=ours)


def of_environment(
    environ: Mapping[str, str], names: tuple[str, ...], source: str, place: str = "$"
) -> Iterator[Offer]:
    """Yield the tokens that variables hold.

    :param names: The variables that are looked at, and no others.
    :param place: What stands before a variable's name.
    """
    for name in names:
        value = unwrapped(environ.get(name, ""))
        token = token_in(value) if value else None
        if token is not None:
            if name == PYTICKTICK:
                token = _with_expiry(token, environ.get(_PYTICKTICK_EXPIRY, ""))
            yield Offer(source, f"{place}{name}", token)


def _with_expiry(token: Token, text: str) -> Token:
    fields: dict[str, Any] = token.to_dict()
    moment = unwrapped(text)
    if re.fullmatch(r"\d{1,15}(\.\d*)?", moment):
        fields["expires_at"] = float(moment)
    return Token.from_dict(fields)


def of_dotenv(path: str, names: tuple[str, ...], source: str) -> Iterator[Offer]:
    """Yield the tokens of a ``.env`` file, which may hold other secrets.

    :raises OSError: It cannot be read.
    """
    content, _ = _files.read(path)
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    found = (re.fullmatch(_DOTENV_LINE, line) for line in lines)
    wanted = {*names, _PYTICKTICK_EXPIRY}
    values = {f[1]: f[2] for f in found if f is not None and f[1] in wanted}
    yield from of_environment(values, names, source, f"{path}: ")


def of_file(path: str, source: str) -> Iterator[Offer]:
    """Yield the token of a file.

    :raises OSError: It cannot be read.
    """
    content, status = _files.read(path)
    token = token_in(content, written_at=status.st_mtime)
    if token is not None:
        yield Offer(source, path, token)


def mcp_files() -> list[str]:
    """Return where mcp-remote keeps the tokens of TickTick's MCP servers."""
    folder = os.environ.get("MCP_REMOTE_CONFIG_DIR") or _home(".mcp-auth")
    names = set()
    for server in _MCP_SERVERS:
        for address in (server, f"{server}/", f"{server}/mcp", f"{server}/sse"):
            digest = hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()
            names.add(f"{digest}_tokens.json")
    return sorted(
        os.path.join(here, name)
        for here, _, files in os.walk(folder)
        for name in files
        if name in names
    )


def config_files() -> dict[str, list[str]]:
    """Return where other clients keep their tokens, by source."""
    config = os.environ.get("XDG_CONFIG_HOME") or _home(".config")
    return {
        "ticktick-py": [os.path.abspath(".token-oauth")],
        "ticktick-cli": [os.path.join(config, "ticktick-cli", "config.json")],
        "mcp": mcp_files(),
    }


def _home(name: str) -> str:
    return os.path.join(os.path.expanduser("~"), name)
