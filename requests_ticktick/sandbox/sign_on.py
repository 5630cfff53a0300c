"""A person who always says yes: consent without a browser."""

from __future__ import annotations

import html
import re
from http.client import HTTPConnection
from typing import Protocol
from urllib.parse import urlsplit


class HasURL(Protocol):
    """What a sign-on is asked: where to grant access."""

    @property
    def url(self) -> str:
        """The authorization request's address, with its query."""


class AuthorizationPageError(RuntimeError):
    """The authorization endpoint showed a page instead of redirecting.

    A person would be looking at an error in the browser, and nothing would
    come back to the redirect URI.

    :param message: What the page says.
    :param status_code: Its HTTP status.
    """

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message, status_code)
        self.message = message
        self.status_code = status_code

    def __str__(self) -> str:
        return self.message


class SandboxSignOn:
    """Grants what is asked for, over HTTP, as the consent page's form does.

    Pickles, and works in any process that reaches the sandbox.

    :param timeout: Seconds to wait for the sandbox.
    """

    def __init__(self, timeout: float = 30.0) -> None:
        self.timeout = timeout

    def __call__(self, request: HasURL) -> str:
        """Grant access.

        :param request: Its ``url`` is the authorization request.
        :returns: The address that a browser would be redirected to.
        :raises AuthorizationPageError: There was a page, not a redirect.
        """
        parts = urlsplit(request.url)
        assert parts.hostname is not None
        connection = HTTPConnection(parts.hostname, parts.port, timeout=self.timeout)
        try:
            # In the body: HTTP libraries log the addresses that they open.
            connection.request(
                "POST",
                parts.path,
                body=f"{parts.query}&decision=allow",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            response = connection.getresponse()
            location = response.getheader("Location")
            page = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        if location is None:
            raise AuthorizationPageError(_text_of(page), response.status)
        return location

    def __repr__(self) -> str:
        return "<SandboxSignOn>"


def _text_of(page: str) -> str:
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", main.group() if main is not None else page)
    return " ".join(html.unescape(text).split())
