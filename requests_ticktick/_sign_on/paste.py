"""Reads the redirect that a person pastes, within a few tries."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._value import Secret
from .address import (
    MAX_TEXT_LENGTH,
    is_partial_address,
    problem_with,
    redirected_url,
)
from .terminal import Lines, say

if TYPE_CHECKING:
    from typing import TextIO

    from .._grant.request import AuthorizationRequest

_MAX_TRIES = 5

#: Lines in total, including those that cost no try.
MAX_LINES = 100

#: Seconds within which a terminal delivers the next line of the same paste.
PASTE_SECONDS = 0.1


class Pasting:
    """Reads lines until the redirect is among them or the tries are used up.

    An empty line costs no try. Neither does a part of an address, nor an error
    text of TickTick's. Lines pasted together cost one try.

    The input is kept as a :class:`Secret`, so that no traceback shows it.

    :param lines: Where the input comes from.
    :param output: Where problems are reported.
    :param allow_bare_code: Whether to accept the code alone.
    :param tries: How many wrong lines are read.
    :ivar advice: The advice on an error text that was pasted, or ``""``.
    :ivar ended: Whether the input has ended.
    """

    def __init__(
        self,
        request: AuthorizationRequest,
        lines: Lines,
        *,
        output: TextIO | None = None,
        allow_bare_code: bool = False,
        tries: int = _MAX_TRIES,
    ) -> None:
        self._request = request
        self._lines = lines
        self._output = output
        self._allow_bare_code = allow_bare_code
        # The start of an address that may continue, and the previous line.
        self._partial = self._previous = Secret()
        self._paste_ends = 0.0
        self._lines_left = MAX_LINES
        self.advice = ""
        self.ended = False
        self.tries_left = tries

    def wait(self, timeout: float) -> str | None:
        """Read a line, and return the URL redirected to if it is complete.

        :param timeout: Seconds to wait for the line.
        """
        if self.ended or not self.tries_left:
            return None
        line = self._read(timeout)
        if line is None:
            return None
        if not line:
            self.ended = True
            return None
        same_paste = self._lines.typed and time.monotonic() < self._paste_ends
        url = self._url_in(line)
        if url is None:
            self._reject(line, same_paste)
        self._paste_ends = time.monotonic() + PASTE_SECONDS
        return url

    def _read(self, timeout: float) -> Secret | None:
        line = self._lines.read(timeout)
        return None if line is None else Secret(line[: MAX_TEXT_LENGTH + 1])

    def _continued(self, line: Secret) -> Secret:
        """Append a line to the partial address, unless it begins a new one."""
        return line if "://" in line else Secret(self._partial + line)

    def _url_in(self, line: Secret) -> str | None:
        for text in (line, self._continued(line)):
            url = redirected_url(text, self._request, bare_code=self._allow_bare_code)
            if url is not None:
                return url
        return None

    def _reject(self, line: Secret, same_paste: bool) -> None:
        """Report the problem with a line, and count a try.

        :param same_paste: Whether an earlier line of this paste was counted.
        """
        advice = self._advice_on(line)
        partial = next(
            (
                text
                for text in (self._continued(line), line)
                if is_partial_address(text, self._request)
            ),
            None,
        )
        if advice is not None:
            self.advice = advice
            say(advice, self._output)
        elif not same_paste:
            say(problem_with(partial or line, self._request), self._output)
            if partial is None and line.strip():
                self.tries_left -= 1
        if line.strip():
            self._partial = partial if partial is not None else Secret()
        self._lines_left -= 1
        if not self._lines_left:
            self.tries_left = 0

    def _advice_on(self, line: Secret) -> str | None:
        """Return the advice on an error text, which may span two lines."""
        # Imported late, because a correct paste does not need it.
        from .._grant.advice import hint

        previous, self._previous = Secret(self._previous.strip()), line
        for text in (line, previous + line, f"{previous} {line}"):
            advice = hint(" ".join(text.split()), self._request.redirect_uri)
            if advice is not None:
                self._previous = Secret()
                return advice
        return None
