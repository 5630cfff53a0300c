"""A person who pastes: the few tries that they have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._value import Secret
from .address import (
    LONGEST_TEXT,
    is_begun,
    problem_with,
    redirected_url,
)
from .terminal import Lines, say

if TYPE_CHECKING:
    from typing import TextIO

    from ..grant import AuthorizationRequest

_TRIES = 5

#: Lines in all, most of which may have cost no try.
_MOST_LINES = 100

#: Seconds between two lines of one paste, as a terminal hands them over.
_BURST = 0.1


class Pasting:
    """A person at a terminal, and the few tries that they have.

    An empty line costs none, nor does a part of an address, nor an error of
    TickTick's. Lines that a terminal hands over at once cost one together.

    What was typed is shown by no frame and by no object that an error leads
    to, so that no traceback has it.

    :param lines: Where it is typed.
    :param output: Where they are told what was wrong.
    :param allow_bare_code: Whether the code alone will do.
    :ivar advice: What an error that they pasted means, else empty.
    """

    def __init__(
        self,
        request: AuthorizationRequest,
        lines: Lines,
        *,
        output: TextIO | None = None,
        allow_bare_code: bool = False,
    ) -> None:
        self._request = request
        self._lines = lines
        self._output = output
        self._allow_bare_code = allow_bare_code
        #: The lines so far of an address that goes on, and the line before.
        self._begun = self._before = Secret()
        self._paste_ends = 0.0
        self._lines_left = _MOST_LINES
        self.advice = ""
        self.ended = False
        self.tries_left = _TRIES

    def wait(self, timeout: float) -> str | None:
        """Return the URL redirected to, once it was pasted.

        :param timeout: Seconds to wait for a line, at most.
        """
        if self.ended or not self.tries_left:
            return None
        line = self._read(timeout)
        if line is None:
            return None
        if not line:
            self.ended = True
            return None
        goes_on = self._lines.typed and time.monotonic() < self._paste_ends
        url = self._url_in(line)
        if url is None:
            self._refuse(line, goes_on)
        self._paste_ends = time.monotonic() + _BURST
        return url

    def _read(self, timeout: float) -> Secret | None:
        line = self._lines.read(timeout)
        return None if line is None else Secret(line[: LONGEST_TEXT + 1])

    def _with_begun(self, line: Secret) -> Secret:
        """Put a line to those before it, unless it begins an address."""
        return line if "://" in line else Secret(self._begun + line)

    def _url_in(self, line: Secret) -> str | None:
        for text in (line, self._with_begun(line)):
            url = redirected_url(text, self._request, bare_code=self._allow_bare_code)
            if url is not None:
                return url
        return None

    def _refuse(self, line: Secret, goes_on: bool) -> None:
        """Say what is wrong with a line, and take a try for it.

        :param goes_on: Whether an earlier line of this paste has cost it.
        """
        advice = self._advice_on(line)
        whole = self._with_begun(line)
        begun = next((t for t in (whole, line) if is_begun(t, self._request)), None)
        if advice is not None:
            self.advice = advice
            say(advice, self._output)
        elif not goes_on:
            say(problem_with(begun or line, self._request), self._output)
            if begun is None and line.strip():
                self.tries_left -= 1
        if line.strip():
            self._begun = begun if begun is not None else Secret()
        self._lines_left -= 1
        if not self._lines_left:
            self.tries_left = 0

    def _advice_on(self, line: Secret) -> str | None:
        """Translate an error of TickTick's, which two lines may share."""
        # Shared with the endpoint's errors; loaded where something was wrong.
        from ..grant.words import hint

        before, self._before = self._before, line
        for text in (line, before.strip() + line, f"{before.strip()} {line}"):
            advice = hint(" ".join(text.split()), self._request.redirect_uri)
            if advice is not None:
                self._before = Secret()
                return advice
        return None
