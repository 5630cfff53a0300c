"""The listener of :class:`LoopbackSignOn`, imported only when needed.

Any program on this machine can connect to it, and any web page can make the
browser connect. A request that is not the redirect gets an error page or no
response, and the wait goes on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from .._errors import SignOnError
from .._urls import is_loopback
from . import pages
from .pages import Page
from .peer import user_at
from .server import Server

if TYPE_CHECKING:
    from .._grant.request import AuthorizationRequest

#: Seconds to wait for pages that are being sent.
LINGER_SECONDS = 0.25

#: The errors for an address family that this machine lacks.
_MISSING_ADDRESS_ERRORS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class RedirectListener:
    """Waits at the redirect URI for the redirect of one sign-on.

    :param parts: The parts of the redirect URI, on a loopback address.
    :ivar start_url: The URL that the browser is opened at. It redirects to the
        authorization page, so that ``state`` is on no command line: all users
        of a machine can read those, and could end this sign-on with a code of
        their own (RFC 6749 10.12). A file would not do, because browsers in
        snap or flatpak, outside WSL or at a remote editor cannot read it.
    :ivar visited: Set once a browser has requested ``start_url`` or the
        redirect URI.
    """

    def __init__(self, request: AuthorizationRequest, parts: SplitResult) -> None:
        self._request = request
        self._parts = parts
        host = parts.netloc.rpartition("@")[2].lower()
        # Browsers omit the scheme's default port (RFC 9110 4.2.3).
        self._hosts = {host, host.removesuffix(":80")}
        # Unguessable, so that no web page can send the browser there.
        self._start = f"/{secrets.token_urlsafe(16)}"
        self.start_url = f"http://{parts.netloc}{self._start}"
        self.visited = threading.Event()
        self._servers: list[Server] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._first = threading.Lock()
        self._url: str | None = None
        self._delivered = threading.Event()

    def __enter__(self) -> RedirectListener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self) -> None:
        """Bind the redirect URI's address, or all addresses of ``localhost``.

        :raises OSError: An address is in use, or does not belong to this
            machine.
        """
        missing: OSError | None = None
        for address in addresses(self._parts.hostname or ""):
            try:
                self._servers.append(Server(address, self._parts.port or 80, self))
            except OSError as error:
                if error.errno not in _MISSING_ADDRESS_ERRORS:
                    raise
                missing = error
        if missing is not None and not self._servers:
            raise missing
        for server in self._servers:
            thread = threading.Thread(
                target=server.serve, args=(self._stopping,), daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def wait(self, timeout: float) -> str | None:
        """Return the URL redirected to, after the browser got its page.

        :param timeout: Seconds.
        :returns: ``None`` if the redirect has not come yet.
        """
        return self._url if self._delivered.wait(timeout) else None

    def close(self) -> None:
        """Free the port, once the pages in progress are sent."""
        self._stopping.set()
        try:
            for thread in self._threads:
                thread.join(1.0)
            if self._url is not None:
                for server in self._servers:
                    server.linger(LINGER_SECONDS)
        finally:
            for server in self._servers:
                server.server_close()
            self._servers.clear()

    def answer(self, target: str, hosts: list[str], sender: socket.socket) -> Page:
        """Return the page for a request. Keep the URL if it is the redirect.

        :param target: The request target as sent (RFC 9112 3.2).
        :param hosts: The values of the ``Host`` fields.
        :param sender: The connection that the request came over.
        """
        if len(hosts) != 1:
            return pages.MALFORMED
        if hosts[0].strip().lower() not in self._hosts:
            # DNS rebinding: a web page whose name now has this address.
            return pages.WRONG_HOST
        if target == self._start:
            return self._start_page(user_at(sender))
        if target.partition("?")[0] != (self._parts.path or "/"):
            return pages.NOT_FOUND
        url = f"http://{self._parts.netloc}{target}"
        if not self._request.accepts(url):
            return pages.STRAY
        with self._first:
            if self._url is not None:
                return pages.ANSWERED
            self._url = url
        try:
            self._request.code_from(url)
        except SignOnError:
            return pages.DENIED
        return pages.GRANTED

    def delivered(self) -> None:
        """End the wait: the browser got its page, or closed the connection."""
        self.visited.set()
        self._delivered.set()

    def _start_page(self, user: int | None) -> Page:
        """Return the redirect to the authorization page, for this user only.

        :param user: The browser's user id, if known. Root may be a relay, such
            as WSL's.
        """
        if user is not None and user not in (0, os.geteuid()):
            return pages.ANOTHER_USER
        with self._first:
            if user is None and self.visited.is_set():
                # Two unknown users have come, and one is not the browser. If
                # it came first, this page warns the person.
                return pages.STARTED
            self.visited.set()
        return pages.redirect_to(self._request.url)


def addresses(host: str) -> list[str]:
    """Return the host's addresses, which are all on this machine."""
    if host != "localhost":
        return [host]
    # Browsers try both of these, whatever name look-up says (RFC 6761 6.3).
    found = {"127.0.0.1": None, "::1": None}
    with contextlib.suppress(OSError):
        for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            found[str(address[0])] = None
    return [address for address in found if is_loopback(address)]
