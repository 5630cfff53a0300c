"""A sign-on by a browser that returns to this machine (RFC 8252 7.3)."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from .._errors import SignOnError, SignOnRequiredError, SignOnTimeoutError
from .._urls import is_loopback
from .._value import public
from .base import LOGIN_ADVICE
from .display import open_browser
from .terminal import POLL_SECONDS, StreamLines, lines_from, say, terminal_is_here

if TYPE_CHECKING:
    from typing import TextIO

    from .._grant.request import AuthorizationRequest
    from .listener import RedirectListener

_NOT_OPENED = "No browser was opened here: open the address yourself."


@public
class LoopbackSignOn:
    """Opens a browser and waits for the redirect at the redirect URI.

    The authorization URL is also written to standard error. At a terminal, the
    person can paste the URL redirected to while the listener waits, since the
    browser may be on another machine.

    :param timeout: Seconds until the sign-on fails.
    :param open_url: Opens a URL in a browser. It may block, raise or do
        nothing, and returns ``False`` if it knows that no browser was opened.
        It gets a URL on this machine that redirects to the authorization page,
        so that ``state`` is on no command line. Default: :mod:`webbrowser`, if
        there is a display.
    :param input: Where a paste is read. Default: standard input.
    :param output: Where to write. Default: standard error.
    :param browser_timeout: Seconds within which a browser must have requested
        that URL. Default: no such limit, since a person can open the URL
        shown.
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

        :raises SignOnTimeoutError: No redirect arrived in time.
        :raises SignOnRequiredError: With ``browser_timeout``: no browser came
            within it, or none could be opened.
        :raises SignOnError: The redirect URI is not on this machine, its port
            is in use, or no thread can be started.
        """
        from .listener import RedirectListener

        deadline = time.monotonic() + self._timeout
        parts = loopback_parts(request.redirect_uri)
        if parts is None:
            raise SignOnError(
                f"{request.redirect_uri!r} is not http:// on a loopback address with "
                "a valid port, so this program cannot listen there. Register "
                "http://127.0.0.1:8765/callback in TickTick's developer portal and "
                "pass it as redirect_uri, or paste by hand with "
                "sign_on=ConsoleSignOn()."
            )
        with RedirectListener(request, parts) as listener:
            try:
                listener.open()
            except OSError as error:
                raise SignOnError(cannot_listen(parts, error)) from None
            except RuntimeError:
                raise SignOnError(
                    "No thread can be started to wait for the browser: the program "
                    "is exiting, or has reached a limit of this machine. Sign on "
                    "earlier, or run: requests-ticktick login; or paste by hand with "
                    "sign_on=ConsoleSignOn()."
                ) from None
            failed = self._show(request, listener)
            return self._wait(request, listener, failed, deadline)

    def _show(
        self, request: AuthorizationRequest, listener: RedirectListener
    ) -> threading.Event:
        """Show the authorization URL, and open it in a browser.

        :returns: Set if no browser was opened.
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
        # A browser may start slowly, or block until it is closed.
        opening = threading.Thread(
            target=self._open, args=(listener, failed), daemon=True
        )
        try:
            opening.start()
        except RuntimeError:
            failed.set()
        return failed

    def _open(self, listener: RedirectListener, failed: threading.Event) -> None:
        # The waiting thread reports the failure. Python would abort at exit if
        # this daemon thread were writing to standard error.
        opened: object = False
        with contextlib.suppress(Exception):
            opened = self._open_url(listener.start_url)
        if opened is False:
            failed.set()

    def _wait(
        self,
        request: AuthorizationRequest,
        listener: RedirectListener,
        failed: threading.Event,
        deadline: float,
    ) -> str:
        from .paste import MAX_LINES, Pasting

        at_terminal = terminal_is_here(self._input, self._output)
        lines = lines_from(self._input) if at_terminal else StreamLines(None)
        # After wrong lines, a right one may come, as the browser may.
        pasting = Pasting(request, lines, output=self._output, tries=MAX_LINES)
        start, is_reported = time.monotonic(), False
        while (left := deadline - time.monotonic()) > 0:
            url = listener.wait(min(POLL_SECONDS, left))
            if url is None:
                url = pasting.wait(0)
            if url is not None:
                return url
            # In this order: some browsers fail when closed, after they came.
            has_failed = failed.is_set()
            if listener.visited.is_set():
                continue
            if has_failed and not is_reported:
                is_reported = True
                say(_NOT_OPENED, self._output)
            self._require_browser(has_failed, time.monotonic() - start)
        raise SignOnTimeoutError(
            f"No browser came back to {request.redirect_uri} within "
            f"{self._timeout:g} seconds. Start again and finish in the browser, or "
            "allow more time with LoopbackSignOn(timeout=...). If its page mentioned "
            "the redirect URI, register exactly this one in TickTick's developer "
            "portal."
        )

    def _require_browser(self, has_failed: bool, waited: float) -> None:
        if self._browser_timeout is None:
            return
        if has_failed or waited >= self._browser_timeout:
            raise SignOnRequiredError(
                "No browser came for the sign-on: none could be opened, or nobody "
                f"sees it. {LOGIN_ADVICE} In a notebook, pass sign_on=ConsoleSignOn()."
            )


def loopback_parts(redirect_uri: str) -> SplitResult | None:
    """Return the parts of a redirect URI at which a listener can wait."""
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or port == 0 or not is_loopback(parts.hostname):
        return None
    return parts


def cannot_listen(parts: SplitResult, error: OSError) -> str:
    where = f"Port {parts.port or 80} on {parts.hostname}"
    # Windows denies access to a port that another program has exclusively.
    denied = os.name == "nt" and error.errno == errno.EACCES
    if denied or error.errno == errno.EADDRINUSE:
        # The URL is not shown: that program would get the code.
        problem = (
            f"{where} is in use by another program, which would get the "
            "authorization code. Stop that program, or wait for its end if it is "
            "another sign-on;"
        )
    else:
        problem = f"{where} cannot be opened: {error.strerror}. Correct that;"
    return (
        f"{problem} or register a redirect URI with another port in TickTick's "
        "developer portal and pass it as redirect_uri; or paste the address by hand: "
        "requests-ticktick login --console, in a program sign_on=ConsoleSignOn()."
    )
