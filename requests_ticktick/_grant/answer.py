"""The token endpoint's response: a token, or an error."""

from __future__ import annotations

import html
import logging
import math
import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from .._errors import InvalidTokenError, TokenEndpointError
from .._token import Token
from .body import DESCRIPTION_KEYS, ERROR_KEYS, first, parameters_of, tokens_in
from .error_text import (
    CLIENT_ADVICE,
    SECRET_ADVICE,
    WITHHELD,
    asks_secret,
    clean,
    hint,
)

logger = logging.getLogger("requests_ticktick")

#: One of these is near the start of a web page.
_PAGE_MARKS = (b"<!doctype html", b"<html", b"<title", b"<script")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")

#: A server that asks for a longer pause gets the next request after this one.
_MAX_PAUSE_SECONDS = 3600.0
_SECONDS = re.compile(r"\d{1,20}(\.\d{1,9})?", re.ASCII)


class TokenResponse:
    """One response of the token endpoint.

    :param response: The HTTP response with its whole body.
    :param secrets: Texts that no message may show, even if the server quotes
        them.
    :param redirect_uri: The client's redirect URI, for advice.
    :param lacks_secret: Whether the client has no secret, and the service
        takes one.
    :param now: When the request was sent, in epoch seconds.
    """

    def __init__(
        self,
        response: requests.Response,
        *,
        secrets: Iterable[str | None],
        redirect_uri: str,
        lacks_secret: bool,
        now: float,
    ) -> None:
        self._status = response.status_code
        self._headers = response.headers
        self._body = response.content or b""
        self._redirect_uri = redirect_uri
        self._lacks_secret = lacks_secret
        self._now = now
        self._payload = parameters_of(self._body, self._headers)
        self._secrets = [*secrets, *tokens_in(self._payload)]

    def token(self) -> Token:
        """Return the token (RFC 6749 5.1).

        :raises TokenEndpointError: The response contains none.
        """
        logger.debug("The token endpoint answered with HTTP status %d.", self._status)
        payload = self._payload
        if payload is None:
            raise self._error(self._description_of_body())
        is_error = payload.get("error") or payload.get("errorCode")
        if is_error or not 200 <= self._status < 300:
            raise self._error("an error")
        try:
            return Token.from_response(payload, now=self._now)
        except InvalidTokenError as error:
            # The advice in its message is for a token that was copied.
            reason = str(error).rstrip(".").partition(":")[0]
        raise self._error(f"no valid token ({reason})")

    def _description_of_body(self) -> str:
        """Describe a body that is not a JSON object, and its likely sender."""
        described = "a body that is not a JSON object"
        if self._is_page():
            title = _TITLE.search(self._text())
            shown = f' ("{self._clean(html.unescape(title[1]))}")' if title else ""
            described = f"a web page{shown}"
            if self._status != 401:  # TickTick's own response to a wrong secret
                described += ", probably from a proxy or firewall"
        target = self._redirect_target() if 300 <= self._status < 400 else ""
        return f"a redirect to {target}, with {described}" if target else described

    def _error(self, problem: str) -> TokenEndpointError:
        words = [first(keys, self._payload) for keys in (ERROR_KEYS, DESCRIPTION_KEYS)]
        if words[0] == str(self._status):
            words[0] = ""  # the status is named anyway
        error, description = (self._clean(text) or None for text in words)
        if error == WITHHELD:
            error, description = None, WITHHELD
        quoted = ": ".join(part for part in (error, description) if part)
        if quoted:
            problem = f"{problem} ({quoted.rstrip('.')})"
        raw_text = self._text() if self._is_page() else " ".join(words)
        pause = self._retry_after()
        advice = hint(raw_text, self._redirect_uri) or self._advice(error, pause)
        if self._lacks_secret and (advice == CLIENT_ADVICE or asks_secret(raw_text)):
            advice = SECRET_ADVICE
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
            return "The code has expired or has already been used: sign on again."
        if error == "exceed_query_limit" or status == 429 or status >= 500:
            wait = f"{math.ceil(pause)} seconds (Retry-After)" if pause else "a minute"
            return f"Wait {wait}, then try again."
        # A web page with 403 comes from a firewall and not from the endpoint.
        if status == 401 or (status == 403 and self._payload is not None):
            return CLIENT_ADVICE
        if 300 <= status < 400:
            return (
                "Redirects are not followed. If a browser shows a login page for this "
                "network, log in there; otherwise correct the service's token_endpoint."
            )
        if self._payload is None:
            return (
                "Try from another network, and check the proxy settings (HTTPS_PROXY) "
                "and the service's token_endpoint."
            )
        return "Check the service's token_endpoint, then sign on again."

    def _retry_after(self) -> float | None:
        """Return how many seconds to wait, if the server says (RFC 9110)."""
        if self._status != 429 and self._status < 500:
            return None
        value = self._headers.get("Retry-After", "").strip()
        if _SECONDS.fullmatch(value):
            return min(float(value), _MAX_PAUSE_SECONDS)
        try:
            then = parsedate_to_datetime(value).timestamp()
        except (TypeError, ValueError, OverflowError, OSError):
            return None
        return min(max(then - self._now, 0.0), _MAX_PAUSE_SECONDS)

    def _redirect_target(self) -> str:
        try:
            host = urlsplit(self._headers.get("Location", "")).hostname or ""
        except ValueError:
            return ""
        return self._clean(host) if _HOST.fullmatch(host) else ""

    def _is_page(self) -> bool:
        start = self._body[:4096].lower()
        return self._payload is None and any(mark in start for mark in _PAGE_MARKS)

    def _text(self) -> str:
        return self._body[:65_536].decode("utf-8", "replace")

    def _clean(self, text: str) -> str:
        return clean(text, self._secrets)
