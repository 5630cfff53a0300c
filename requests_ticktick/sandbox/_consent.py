"""A sign-on that grants access without a browser."""

from __future__ import annotations

import html
import re
from http.client import HTTPConnection
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

#: The hidden field that shows that a decision was made on the consent page.
_CONSENT_FIELD = re.compile('name="consent" value="([0-9a-f]+)"')


class HasURL(Protocol):
    """The authorization request, as a sign-on gets it."""

    @property
    def url(self) -> str:
        """The authorization request's URL."""


class AuthorizationPageError(RuntimeError):
    """The authorization endpoint showed a page instead of redirecting.

    A person would see an error in the browser, and the browser would never
    reach the redirect URI.

    :param message: The text of the page.
    :param status_code: Its HTTP status.
    """

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message, status_code)
        self.message = message
        self.status_code = status_code

    def __str__(self) -> str:
        return self.message


class SandboxSignOn:
    """Opens the consent page over HTTP, and sends its form with *Allow*.

    It can be pickled, and works in any process that reaches the sandbox.

    :param timeout: Seconds to wait for the sandbox.
    """

    def __init__(self, timeout: float = 30.0) -> None:
        self.timeout = timeout

    def __call__(self, request: HasURL) -> str:
        """Grant access.

        :param request: Its ``url`` is that of the authorization request, or
            redirects to it, as the URL that ``LoopbackSignOn`` opens.
        :returns: The URL that a browser would be redirected to.
        :raises AuthorizationPageError: The page was not the consent page.
        """
        url = urlsplit(request.url)
        if not url.query:
            url = urlsplit(self._location("GET", url)[0] or "")
        location, page, status = self._location("POST", url, url.query)
        consent = _CONSENT_FIELD.search(page)
        if consent is not None:
            form = f"{url.query}&consent={consent[1]}&decision=allow"
            location, page, status = self._location("POST", url, form)
        if location is None:
            raise AuthorizationPageError(_text_of(page), status)
        return location

    def _location(
        self, method: str, url: SplitResult, form: str | None = None
    ) -> tuple[str | None, str, int]:
        """Return the response's ``Location``, its page and its status."""
        assert url.hostname is not None
        connection = HTTPConnection(url.hostname, url.port, timeout=self.timeout)
        try:
            # The form goes in the body, because HTTP libraries log URLs.
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, url.path, form, headers if form else {})
            response = connection.getresponse()
            page = response.read().decode("utf-8", "replace")
            return response.getheader("Location"), page, response.status
        finally:
            connection.close()

    def __repr__(self) -> str:
        return "<SandboxSignOn>"


def _text_of(page: str) -> str:
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", main.group() if main is not None else page)
    return " ".join(html.unescape(text).split())
