"""A sign-on by a browser on this machine (RFC 8252 7.3)."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from .._urls import is_loopback
from ..errors import SignOnError, SignOnTimeoutError
from .base import display_is_here
from .console import ConsoleSignOn
from .paste import Pasting
from .terminal import TICK, StreamLines, lines_from, say, terminal_is_here

if TYPE_CHECKING:
    from typing import TextIO

    from ..grant import AuthorizationRequest
    from ._listener import Listener

#: Browsers that ``webbrowser`` would start inside the terminal, over what is
#: shown there; and the authorization page needs scripts.
_TEXT_BROWSERS = frozenset({"elinks", "links", "lynx", "w3m", "www-browser"})


class LoopbackSignOn:
    """Opens the browser and waits for it at the redirect URI.

    The URL is always shown on standard error, too. Where there is a terminal,
    the address redirected to can be pasted into it while the listener waits:
    the browser may be on another machine.

    :param timeout: Seconds until it gives up.
    :param open_url: Opens a browser; by default :func:`webbrowser.open` where
        there is a display. It may block, fail or do nothing.
    :param input: By default standard input.
    :param output: By default standard error.
    """

    def __init__(
        self,
        timeout: float = 300.0,
        open_url: Callable[[str], object] | None = None,
        *,
        input: TextIO | None = None,
        output: TextIO | None = None,
    ) -> None:
        self._timeout = timeout
        self._open_url = open_url if open_url is not None else _open_browser
        self._input = input
        self._output = output

    def __call__(self, request: AuthorizationRequest) -> str:
        """Return the URL redirected to.

        :raises SignOnTimeoutError: The browser did not come back in time.
        :raises SignOnError: The redirect URI is not on this machine, or its
            port is taken and there is no terminal to paste into.
        """
        from ._listener import Listener

        deadline = time.monotonic() + self._timeout
        parts = loopback_parts(request.redirect_uri)
        if parts is None:
            raise SignOnError(
                f"{request.redirect_uri!r} is not http:// on a loopback address with "
                "a port: nothing can wait there. Register http://127.0.0.1:8765/"
                "callback in TickTick's developer portal and pass it as "
                "redirect_uri, or paste by hand with sign_on=ConsoleSignOn()."
            )
        with Listener(request, parts) as listener:
            try:
                listener.open()
            except OSError as error:
                listener.close()
                return self._paste_instead(request, _cannot_listen(parts, error))
            self._show(request)
            return self._wait(request, listener, deadline)

    def _show(self, request: AuthorizationRequest) -> None:
        hint = ""
        if terminal_is_here(self._input, self._output):
            hint = (
                "If that browser is on another machine, paste the address that it "
                "ends up at\nhere and press Enter.\n"
            )
        say(
            "\nTo sign on, open this address in a browser:\n\n"
            f"    {request.url}\n\n"
            f"Waiting for the browser to come back to {request.redirect_uri}\n{hint}",
            self._output,
        )
        # A browser may take its time, or this thread until it is closed.
        with contextlib.suppress(RuntimeError):
            threading.Thread(
                target=_quietly, args=(self._open_url, request.url), daemon=True
            ).start()

    def _wait(
        self, request: AuthorizationRequest, listener: Listener, deadline: float
    ) -> str:
        here = terminal_is_here(self._input, self._output)
        lines = lines_from(self._input) if here else StreamLines(None)
        pasting = Pasting(request, lines, output=self._output)
        while (left := deadline - time.monotonic()) > 0:
            url = listener.wait(min(TICK, left))
            if url is None:
                url = pasting.wait(0)
            if url is not None:
                return url
        raise SignOnTimeoutError(
            f"No browser came back to {request.redirect_uri} within "
            f"{self._timeout:g} seconds. Start again and finish in the browser, or "
            "allow more time with LoopbackSignOn(timeout=...). If its page spoke of "
            "the redirect URI, register exactly this one in TickTick's developer "
            "portal."
        )

    def _paste_instead(self, request: AuthorizationRequest, problem: str) -> str:
        if not terminal_is_here(self._input, self._output):
            raise SignOnError(problem)
        say(f"\n{problem}\nOr go on here, by hand.", self._output)
        console = ConsoleSignOn(
            timeout=self._timeout, input=self._input, output=self._output
        )
        return console(request)


def loopback_parts(redirect_uri: str) -> SplitResult | None:
    """Return the parts of a URI that a listener here can wait at."""
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or port == 0 or not is_loopback(parts.hostname):
        return None
    return parts


def _cannot_listen(parts: SplitResult, error: OSError) -> str:
    port = parts.port or 80
    if error.errno == errno.EADDRINUSE:
        problem = f"Port {port} on {parts.hostname} is in use by another program."
    else:
        problem = f"Port {port} on {parts.hostname} cannot be opened: {error.strerror}."
    return (
        f"{problem} Stop that program, or register a redirect URI with another port "
        "in TickTick's developer portal and pass it as redirect_uri, or paste the "
        "address by hand with sign_on=ConsoleSignOn()."
    )


def _open_browser(url: str) -> None:
    if not display_is_here():
        return
    import webbrowser

    if getattr(webbrowser.get(), "name", "") not in _TEXT_BROWSERS:
        webbrowser.open(url)


def _quietly(open_url: Callable[[str], object], url: str) -> None:
    # The URL was shown: whoever cannot have it opened opens it.
    with contextlib.suppress(Exception):
        open_url(url)
