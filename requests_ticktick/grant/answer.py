"""What the token endpoint answered: a token, or why there is none."""

from __future__ import annotations

import html
import json
import logging
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from ..errors import InvalidTokenError, TokenEndpointError
from ..token import Token
from .words import WITHHELD, clean, hint

logger = logging.getLogger("requests_ticktick")

#: Where an answer names its error, and where it explains it: RFC 6749 5.2,
#: TickTick's API, and what else is common.
_ERROR = ("error", "errorCode", "error_code", "code")
_DESCRIPTION = ("error_description", "errorMessage", "message", "msg", "detail")

#: What a web page begins with, among other things.
_PAGE = (b"<!doctype html", b"<html", b"<title", b"<script")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")

#: Seconds. Where a server asks for more, it is asked again after this.
_LONGEST_PAUSE = 3600.0
_SECONDS = re.compile(r"\d{1,20}(\.\d{1,9})?", re.ASCII)


class Answer:
    """One answer of the token endpoint.

    :param response: Its body has arrived.
    :param secrets: What must not be shown, whoever quotes it.
    :param redirect_uri: The client's, for advice.
    :param now: When the request was sent, in epoch seconds.
    """

    def __init__(
        self,
        response: requests.Response,
        *,
        secrets: Iterable[str | None],
        redirect_uri: str,
        now: float,
    ) -> None:
        self._status = response.status_code
        self._headers = response.headers
        self._body = response.content or b""
        self._redirect_uri = redirect_uri
        self._now = now
        self._payload = _parse(self._body)
        self._secrets = [*secrets, *_tokens_in(self._payload)]

    def token(self) -> Token:
        """Return the token (RFC 6749 5.1).

        :raises TokenEndpointError: The answer has none.
        """
        logger.debug("The token endpoint answered with HTTP status %d.", self._status)
        payload = self._payload
        if payload is None:
            raise self._refusal(self._described())
        is_error = payload.get("error") or payload.get("errorCode")
        if is_error or not 200 <= self._status < 300:
            raise self._refusal("an error")
        try:
            return Token.from_response(payload, now=self._now)
        except InvalidTokenError as error:
            problem = f"something that is no token ({error})"
        raise self._refusal(problem)

    def _described(self) -> str:
        """Say what came in place of JSON, and whose it may be."""
        described = "an answer that is no JSON object"
        if self._is_page():
            title = _TITLE.search(self._text())
            named = f' ("{self._clean(html.unescape(title[1]))}")' if title else ""
            described = f"a web page{named}"
            if self._status != 401:  # TickTick's own answer to a wrong secret
                described += ", as a proxy or firewall in between sends it"
        target = self._redirect_target() if 300 <= self._status < 400 else ""
        return f"a redirect to {target}, with {described}" if target else described

    def _refusal(self, problem: str) -> TokenEndpointError:
        words = [_first(names, self._payload) for names in (_ERROR, _DESCRIPTION)]
        if words[0] == str(self._status):
            words[0] = ""  # which says nothing more
        error, description = (self._clean(text) or None for text in words)
        if error == WITHHELD:
            error, description = None, WITHHELD
        said = ": ".join(part for part in (error, description) if part)
        if said:
            problem = f"{problem} ({said})"
        heard = self._text() if self._is_page() else " ".join(words)
        pause = self._retry_after()
        advice = hint(heard, self._redirect_uri) or self._advice(error, pause)
        return TokenEndpointError(
            f"The token endpoint answered with HTTP status {self._status} and "
            f"{problem}. {advice}",
            error=error,
            description=description,
            status_code=self._status,
            retry_after=pause,
        )

    def _advice(self, error: str | None, pause: float | None) -> str:
        status = self._status
        if error == "invalid_grant":
            return "The code has expired or was used before: sign on again."
        if error == "exceed_query_limit" or status == 429 or status >= 500:
            wait = f"{math.ceil(pause)} seconds (Retry-After)" if pause else "a minute"
            return f"Wait {wait}, then try again."
        # A page with 403 is a firewall's, and knows nothing of credentials.
        if status == 401 or (status == 403 and self._payload is not None):
            return hint("invalid_client", self._redirect_uri) or ""
        if 300 <= status < 400:
            return (
                "Redirects are not followed: sign in to this network, if that is what "
                "it asks for in a browser, or correct the service's token_endpoint."
            )
        if self._payload is None:
            return (
                "Try from another network, check the proxy settings (HTTPS_PROXY), and "
                "the service's token_endpoint."
            )
        return "Check the service's token_endpoint, then sign on again."

    def _retry_after(self) -> float | None:
        """Return the seconds to wait, if the server says (RFC 9110 10.2.3)."""
        if self._status != 429 and self._status < 500:
            return None
        said = self._headers.get("Retry-After", "").strip()
        if _SECONDS.fullmatch(said):
            return min(float(said), _LONGEST_PAUSE)
        try:
            then = parsedate_to_datetime(said).timestamp()
        except (TypeError, ValueError, OverflowError, OSError):
            return None
        return min(max(then - self._now, 0.0), _LONGEST_PAUSE)

    def _redirect_target(self) -> str:
        try:
            host = urlsplit(self._headers.get("Location", "")).hostname or ""
        except ValueError:
            return ""
        return self._clean(host) if _HOST.fullmatch(host) else ""

    def _is_page(self) -> bool:
        start = self._body[:4096].lower()
        return self._payload is None and any(mark in start for mark in _PAGE)

    def _text(self) -> str:
        return self._body[:65_536].decode("utf-8", "replace")

    def _clean(self, text: str) -> str:
        return clean(text, self._secrets)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _places(payload: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Yield an answer's object, and those in it that it may mean."""
    if payload is not None:
        yield payload
        for value in payload.values():
            first = value[0] if isinstance(value, list) and value else value
            if isinstance(first, dict):
                yield first


def _tokens_in(payload: Mapping[str, Any] | None) -> Iterator[str]:
    for place in _places(payload):
        for name, value in place.items():
            if name.lower().endswith("token") and isinstance(value, str):
                yield value


def _first(names: Iterable[str], payload: Mapping[str, Any] | None) -> str:
    """Return the first text, or number, that goes by one of these names."""
    for place in _places(payload):
        for name in names:
            value = place.get(name)
            if isinstance(value, (str, int)) and value and value is not True:
                return str(value)
    return ""
