"""The listener behind :class:`LoopbackSignOn`, imported when it is needed.

Anything on this machine can connect to it, and any page in the browser can
make the browser do so. Whatever comes that is not the redirect gets a page,
or nothing, and the wait goes on.
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

from .._urls import is_loopback
from ..errors import SignOnError
from . import pages
from ._peer import user_at
from ._server import Server
from .pages import Page

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest

#: Seconds that pages on their way are waited for.
_LINGER = 0.25

#: What an address family that this machine lacks is reported as.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Listener:
    """Waits at a redirect URI for one request's redirect.

    :param parts: The redirect URI's, which is on a loopback address.
    :ivar start_url: Leads a browser to the authorization page. It is what the
        browser is opened at: every user of the machine may see the command
        lines of all, and who knows ``state`` can end this sign-on with a code
        of his own (RFC 6749 10.12). Not a file: browsers from snap and flatpak
        cannot read it, nor can those on the other side of WSL or of a remote
        editor.
    :ivar visited: Whether a browser has come, there or with the redirect.
    """

    def __init__(self, request: AuthorizationRequest, parts: SplitResult) -> None:
        self._request = request
        self._parts = parts
        host = parts.netloc.rpartition("@")[2].lower()
        # A browser leaves the scheme's own port out (RFC 9110 4.2.3).
        self._hosts = {host, host.removesuffix(":80")}
        # Unguessable, so that no page can send the browser there.
        self._start = f"/{secrets.token_urlsafe(16)}"
        self.start_url = f"http://{parts.netloc}{self._start}"
        self.visited = threading.Event()
        self._servers: list[Server] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._first = threading.Lock()
        self._url: str | None = None
        self._delivered = threading.Event()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self) -> None:
        """Bind the redirect URI's own address; of localhost, all it is.

        :raises OSError: It is in use, or not this machine's.
        """
        missing: OSError | None = None
        for address in _addresses(self._parts.hostname or ""):
            try:
                self._servers.append(Server(address, self._parts.port or 80, self))
            except OSError as error:
                if error.errno not in _NO_SUCH_ADDRESS:
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
        """Return the URL redirected to, once the browser has its page.

        :param timeout: Seconds.
        """
        return self._url if self._delivered.wait(timeout) else None

    def close(self) -> None:
        """Free the port, after the pages that are on their way."""
        self._stopping.set()
        try:
            for thread in self._threads:
                thread.join(1.0)
            if self._url is not None:
                for server in self._servers:
                    server.linger(_LINGER)
        finally:
            for server in self._servers:
                server.server_close()
            self._servers.clear()

    def answer(self, target: str, hosts: list[str], sender: socket.socket) -> Page:
        """Judge a request.

        :param target: As it was sent (RFC 9112 3.2).
        :param hosts: The values of its ``Host`` fields.
        :param sender: The connection that it came by.
        """
        if len(hosts) != 1:
            return pages.MALFORMED
        if hosts[0].strip().lower() not in self._hosts:
            # A foreign page whose name was rebound to this address.
            return pages.WRONG_HOST
        if target == self._start:
            return self._started(user_at(sender))
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
        """End the wait: the browser has its page, or has gone away."""
        self.visited.set()
        self._delivered.set()

    def _started(self, user: int | None) -> Page:
        """Send the browser to the authorization page, if it is this user's.

        :param user: Whose the browser is. Root may be a relay, such as WSL's.
        """
        if user is not None and user not in (0, os.geteuid()):
            return pages.ANOTHER_USER
        with self._first:
            if user is None and self.visited.is_set():
                # Of two whom nobody knows, one is not the browser: a person
                # sees this page and wonders, or the other one gets it.
                return pages.STARTED
            self.visited.set()
        return pages.redirect_to(self._request.url)


def _addresses(host: str) -> list[str]:
    """Return the addresses to wait at, none of which is another machine's."""
    if host != "localhost":
        return [host]
    # Browsers try both of these, whatever the system says (RFC 6761 6.3).
    found = {"127.0.0.1": None, "::1": None}
    with contextlib.suppress(OSError):
        for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            found[str(address[0])] = None
    return [address for address in found if is_loopback(address)]
