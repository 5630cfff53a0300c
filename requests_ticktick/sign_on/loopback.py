"""A sign-on by a browser on this machine (RFC 8252 7.3)."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from .._urls import is_loopback
from ..errors import SignOnError, SignOnRequiredError, SignOnTimeoutError
from .base import ELSEWHERE
from .display import open_browser
from .terminal import TICK, StreamLines, lines_from, say, terminal_is_here

if TYPE_CHECKING:
    from typing import TextIO

    from ..grant import AuthorizationRequest
    from ._listener import Listener

_NOT_OPENED = "No browser was opened here: open the address yourself."


class LoopbackSignOn:
    """Opens the browser and waits for it at the redirect URI.

    The URL is always shown on standard error, too. Where there is a terminal,
    the address redirected to can be pasted into it while the listener waits:
    the browser may be on another machine.

    :param timeout: Seconds until it gives up.
    :param open_url: Opens a browser; by default as :mod:`webbrowser` does,
        where there is a display. It may block, fail or do nothing, and returns
        ``False`` where it knows that no browser was opened. It is called with
        an address on this machine that leads to the authorization page, so
        that ``state`` is in no command line.
    :param input: By default standard input.
    :param output: By default standard error.
    :param browser_timeout: Seconds until a browser has to have come to that
        address. By default it may take as long as all the rest, since a person
        can open the URL that is shown.
    """

    def __init__(
        self,
        timeout: float = 300.0,
        open_url: Callable[[str], object] | None = None,
        *,
        input: TextIO | None = None,
        output: TextIO | None = None,
        browser_timeout: float | None = None,
    ) -> None:
        self._timeout = timeout
        self._open_url = open_url if open_url is not None else open_browser
        self._input = input
        self._output = output
        self._browser_timeout = browser_timeout

    def __call__(self, request: AuthorizationRequest) -> str:
        """Return the URL redirected to.

        :raises SignOnTimeoutError: The browser did not come back in time.
        :raises SignOnRequiredError: None came at all, within
            ``browser_timeout``, or none could be opened.
        :raises SignOnError: The redirect URI is not on this machine, its port
            is taken, or the system has no thread left.
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
                raise SignOnError(_cannot_listen(parts, error)) from None
            except RuntimeError:
                raise SignOnError(
                    "No thread can be started to wait for the browser: the program "
                    "is ending, or at a limit of this machine. Sign on earlier, or "
                    "run: requests-ticktick login; or paste by hand with "
                    "sign_on=ConsoleSignOn()."
                ) from None
            failed = self._show(request, listener)
            return self._wait(request, listener, failed, deadline)

    def _show(
        self, request: AuthorizationRequest, listener: Listener
    ) -> threading.Event:
        """Show the URL, and open it.

        :returns: Set where no browser was opened.
        """
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
        failed = threading.Event()
        # A browser may take its time, or this thread until it is closed.
        opening = threading.Thread(
            target=self._open, args=(listener, failed), daemon=True
        )
        try:
            opening.start()
        except RuntimeError:
            failed.set()
        return failed

    def _open(self, listener: Listener, failed: threading.Event) -> None:
        # It says nothing itself: a thread that the end of the program finds
        # writing to standard error makes Python abort.
        opened: object = False
        with contextlib.suppress(Exception):
            opened = self._open_url(listener.start_url)
        if opened is False:
            failed.set()

    def _wait(
        self,
        request: AuthorizationRequest,
        listener: Listener,
        failed: threading.Event,
        deadline: float,
    ) -> str:
        from .paste import Pasting

        here = terminal_is_here(self._input, self._output)
        lines = lines_from(self._input) if here else StreamLines(None)
        pasting = Pasting(request, lines, output=self._output)
        began, has_said = time.monotonic(), False
        while (left := deadline - time.monotonic()) > 0:
            url = listener.wait(min(TICK, left))
            if url is None:
                url = pasting.wait(0)
            if url is not None:
                return url
            # Asked in this order: some fail after they came, when closed.
            has_failed = failed.is_set()
            if listener.visited.is_set():
                continue
            if has_failed and not has_said:
                has_said = True
                say(_NOT_OPENED, self._output)
            self._require_browser(has_failed, time.monotonic() - began)
        raise SignOnTimeoutError(
            f"No browser came back to {request.redirect_uri} within "
            f"{self._timeout:g} seconds. Start again and finish in the browser, or "
            "allow more time with LoopbackSignOn(timeout=...). If its page spoke of "
            "the redirect URI, register exactly this one in TickTick's developer "
            "portal."
        )

    def _require_browser(self, has_failed: bool, waited: float) -> None:
        if self._browser_timeout is None:
            return
        if has_failed or waited >= self._browser_timeout:
            raise SignOnRequiredError(
                "No browser came for the sign-on: none could be opened, or nobody "
                f"sees it. {ELSEWHERE} In a notebook, pass sign_on=ConsoleSignOn()."
            )


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
    where = f"Port {parts.port or 80} on {parts.hostname}"
    # Windows denies what another program has for itself.
    denied = os.name == "nt" and error.errno == errno.EACCES
    if denied or error.errno == errno.EADDRINUSE:
        # The URL is not shown: whoever opened it would be sent there.
        problem = (
            f"{where} is in use by another program, which would be sent the "
            "authorization code. Stop that program, or wait for its end if it is "
            "another sign-on;"
        )
    else:
        problem = f"{where} cannot be opened: {error.strerror}. Mend that;"
    return (
        f"{problem} or register a redirect URI with another port in TickTick's "
        "developer portal and pass it as redirect_uri; or paste the address by hand: "
        "requests-ticktick login --console, in a program sign_on=ConsoleSignOn()."
    )
