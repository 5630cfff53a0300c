"""A sign-on without a listener: the person pastes where they were sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..errors import SignOnError, SignOnRequiredError, SignOnTimeoutError
from .terminal import Input, lines_from, say

if TYPE_CHECKING:
    from typing import TextIO

    from ..grant import AuthorizationRequest


class ConsoleSignOn:
    """Shows the URL and reads the one that the browser was sent to.

    It takes the whole URL or its query, in quotes or not, on one line or on as
    many as a terminal made of it. It shows on standard error: standard output
    is the program's own.

    :param allow_bare_code: Take the code alone, too. A code comes without
        proof of whose sign-on it ends (RFC 6749 10.12): for pages that show
        nothing else.
    :param timeout: Seconds until it gives up.
    :param input: By default standard input, or in a notebook ``input()``. In
        another console without a terminal pass such a function:
        ``ConsoleSignOn(input=input)``. It is called without arguments, and
        cannot be abandoned on Windows and in threads: ``timeout`` is looked at
        when it returns.
    :param output: By default standard error.
    """

    def __init__(
        self,
        *,
        allow_bare_code: bool = False,
        timeout: float = 300.0,
        input: Input = None,
        output: TextIO | None = None,
    ) -> None:
        self._allow_bare_code = allow_bare_code
        self._timeout = timeout
        self._input = input
        self._output = output

    def __call__(self, request: AuthorizationRequest) -> str:
        """Return the URL redirected to.

        :raises SignOnRequiredError: The input ended: nobody is there.
        :raises SignOnTimeoutError: Nobody pasted anything in time.
        :raises SignOnError: What was pasted was something else, several times.
        """
        from .paste import Pasting

        deadline = time.monotonic() + self._timeout
        say(
            "\nTo sign on, open this address in a browser:\n\n"
            f"    {request.url}\n\n"
            "Allow access. The browser is then sent to an address that begins with\n"
            f"{request.redirect_uri} (a page that does not load is fine).\n"
            "Paste that whole address here and press Enter:",
            self._output,
        )
        pasting = Pasting(
            request,
            lines_from(self._input),
            output=self._output,
            allow_bare_code=self._allow_bare_code,
        )
        while (left := deadline - time.monotonic()) > 0:
            url = pasting.wait(left)
            if url is not None:
                return url
            if pasting.ended:
                raise SignOnRequiredError(
                    "The input ended before an address was pasted: nobody is here "
                    "to sign on. Run: requests-ticktick login in a terminal; "
                    "programs that share its token store go on from there."
                )
            if not pasting.tries_left:
                raise SignOnError(
                    "What was pasted was never the address that the browser is sent "
                    "to after access was allowed. "
                    + (pasting.advice and f"{pasting.advice} ")
                    + "Start again, and copy it from the browser's address bar."
                )
        raise SignOnTimeoutError(
            f"Nothing was pasted within {self._timeout:g} seconds. Start again, or "
            "allow more time with ConsoleSignOn(timeout=...)."
        )
