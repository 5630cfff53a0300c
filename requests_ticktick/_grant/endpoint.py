"""One request to an endpoint of the service, and what the response says.

The token, revocation and registration endpoints refuse in the same ways, and
proxies and firewalls answer in their place.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import urlsplit

import requests

from .._errors import RegistrationError, RevocationError, TokenEndpointError
from .._service import Service
from .advice import CLIENT_ADVICE, SECRET_ADVICE, asks_secret, hint
from .body import DESCRIPTION_KEYS, ERROR_KEYS, first, parameters_of, secrets_in
from .error_text import WITHHELD, clean

#: One of these is near the start of a web page. These are its media types.
_PAGE_MARKS = ("<!doctype html", "<html", "<head", "<title", "<meta", "<script")
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")

#: A server that asks for a longer pause gets the next request after this one.
_MAX_PAUSE_SECONDS = 3600.0
#: A proxy may have joined several of these headers.
_SECONDS = re.compile(r"\d+(\.\d+)?(?=\s*([,;]|$))", re.ASCII)


class EndpointResponse:
    """One response of an endpoint.

    A subclass says which endpoint it is, and what its errors mean.

    :param service: Whose endpoint it is.
    :param response: The HTTP response with its whole body.
    :param secrets: Texts that no message may show, even if the server quotes
        them.
    :param redirect_uri: The client's redirect URI, for advice.
    :param lacks_secret: Whether the client has no secret, and the service
        takes one.
    :param now: When the request was sent, in epoch seconds.
    """

    #: The parameter of ``Service``; with a space, what people call it.
    parameter: ClassVar[str]
    error_class: ClassVar[
        type[TokenEndpointError | RevocationError | RegistrationError]
    ]

    def __init__(
        self,
        service: Service,
        response: requests.Response,
        *,
        secrets: Iterable[str | None],
        redirect_uri: str,
        lacks_secret: bool = False,
        now: float,
    ) -> None:
        self.service = service
        self.status = response.status_code
        self._headers = response.headers
        self._body = response.content or b""
        self.redirect_uri = redirect_uri
        self._lacks_secret = lacks_secret
        self.now = now
        self.payload = parameters_of(self._body, self._headers)
        self._secrets = [*secrets, *secrets_in(self.payload)]

    def advice(self, text: str, error: str | None, wait: str) -> str | None:
        """Return what to do about this endpoint's own errors.

        :param text: All that the server says, for comparison only.
        :param error: The error's code, cleaned.
        :param wait: How long to wait in case of trouble, in words.
        :returns: ``None`` where it is the same for all endpoints.
        """
        return hint(text, self.redirect_uri)

    @property
    def is_success(self) -> bool:
        """Whether neither the status nor the body says otherwise."""
        fields = self.payload or {}
        is_error = fields.get("error") or fields.get("errorCode")
        return not is_error and 200 <= self.status < 300

    @property
    def is_page(self) -> bool:
        """Whether the body is a web page, which no endpoint sends."""
        kind = self._headers.get("Content-Type", "").partition(";")[0]
        marks = "<" if kind.strip().lower() in _PAGE_TYPES else _PAGE_MARKS
        text = self._text().lower()
        return self.payload is None and any(mark in text for mark in marks)

    @property
    def is_trouble(self) -> bool:
        """Whether the server cannot answer now, but may later."""
        return self.status == 429 or self.status >= 500

    def refusal(
        self, problem: str | None = None
    ) -> TokenEndpointError | RevocationError | RegistrationError:
        """Return the error that this response comes to.

        :param problem: What is wrong with it, if the server does not say.
        """
        words = [first(keys, self.payload) for keys in (ERROR_KEYS, DESCRIPTION_KEYS)]
        if words[0] == str(self.status):
            words[0] = ""  # the status is named anyway
        error, description = (self._clean(text) or None for text in words)
        if error == WITHHELD:
            error, description = None, WITHHELD
        quoted = ": ".join(part for part in (error, description) if part)
        if problem is None:
            problem = self._description_of_body()
        if quoted:
            problem = f"{problem} ({quoted.rstrip('.')})"
        raw_text = self._text() if self.is_page else " ".join(words)
        pause = self._retry_after()
        advice = self._advice(raw_text, error, pause)
        if self._lacks_secret and (advice == CLIENT_ADVICE or asks_secret(raw_text)):
            advice = SECRET_ADVICE
        return self.error_class(
            f"The {self.parameter.replace('_', ' ')} answered with HTTP status "
            f"{self.status} and {problem}. {advice}",
            error=error,
            description=description,
            status_code=self.status,
            retry_after=pause,
        )

    def _description_of_body(self) -> str:
        """Describe the body, and its likely sender if it is no JSON object."""
        if self.payload is not None:
            return "an error"
        described = "a body that is not a JSON object"
        if self.is_page:
            title = _TITLE.search(self._text())
            shown = f' ("{self._clean(html.unescape(title[1]))}")' if title else ""
            described = f"a web page{shown}"
            if self.status != 401:  # TickTick's own response to a wrong secret
                described += ", probably from a proxy or firewall"
        target = self._redirect_target() if 300 <= self.status < 400 else ""
        return f"a redirect to {target}, with {described}" if target else described

    def _advice(self, raw_text: str, error: str | None, pause: float | None) -> str:
        wait = f"{math.ceil(pause)} seconds (Retry-After)" if pause else "a minute"
        own = self.advice(raw_text, error, wait)
        if own is not None:
            return own
        if self.is_trouble or error == "exceed_query_limit":
            return f"Wait {wait}, then try again."
        # A web page with 403 comes from a firewall and not from the endpoint.
        if self.status == 401 or (self.status == 403 and self.payload is not None):
            return CLIENT_ADVICE
        if 300 <= self.status < 400:
            return (
                "Redirects are not followed. If a browser shows a login page for this "
                f"network, log in there; otherwise correct the service's "
                f"{self.parameter}."
            )
        if self.payload is None:
            return (
                "Try from another network, and check the proxy settings (HTTPS_PROXY) "
                f"and the service's {self.parameter}."
            )
        return f"Check the service's {self.parameter}, then sign on again."

    def _retry_after(self) -> float | None:
        """Return how many seconds to wait, if the server says (RFC 9110)."""
        if not self.is_trouble:
            return None
        value = self._headers.get("Retry-After", "").strip()
        seconds = _SECONDS.match(value)
        if seconds:
            return min(float(seconds[0]), _MAX_PAUSE_SECONDS)
        try:
            then = parsedate_to_datetime(value).timestamp()
        except (TypeError, ValueError, OverflowError, OSError):
            return None
        return min(max(then - self.now, 0.0), _MAX_PAUSE_SECONDS)

    def _redirect_target(self) -> str:
        try:
            host = urlsplit(self._headers.get("Location", "")).hostname or ""
        except ValueError:
            return ""
        return self._clean(host) if _HOST.fullmatch(host) else ""

    def _text(self) -> str:
        is_utf16 = self._body.startswith((b"\xff\xfe", b"\xfe\xff"))
        encoding = "utf-16" if is_utf16 else "utf-8"
        return self._body[:65_536].decode(encoding, "replace")

    def _clean(self, text: str) -> str:
        return clean(text, self._secrets)
