"""A sign-on without a listener: the person pastes the redirect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._errors import SignOnError, SignOnRequiredError, SignOnTimeoutError
from .._value import public
from .terminal import Input, lines_from, say

if TYPE_CHECKING:
    from typing import TextIO

    from .._grant.request import AuthorizationRequest


@public
class ConsoleSignOn:
    """Shows the authorization URL and reads the URL redirected to.

    The person can paste the whole URL or its query, with or without quotes, on
    one line or several. Output goes to standard error, because standard output
    belongs to the program.

    :param allow_bare_code: Accept the code alone, too, for authorization pages
        that show nothing else. A code has no proof of the sign-on that it
        belongs to (RFC 6749 10.12).
    :param timeout: Seconds until the sign-on fails.
    :param input: A stream, or a function like ``input``. Default: standard
        input, or ``input()`` in a notebook. In other consoles without a
        terminal, pass ``ConsoleSignOn(input=input)``. The function is called
        without arguments. On Windows and in threads it cannot be interrupted:
        ``timeout`` is checked when it returns.
    :param output: Where to write. Default: standard error.
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

        :raises SignOnRequiredError: The input ended: no person is here.
        :raises SignOnTimeoutError: Nobody pasted the URL in time.
        :raises SignOnError: The person pasted something else several times.
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
                    "to sign on. Run: requests-ticktick login in a terminal. "
                    "Programs that share its token store then find the token."
                )
            if not pasting.tries_left:
                raise SignOnError(
                    "Nothing that was pasted is the address that the browser is sent "
                    "to after access is allowed. "
                    + (pasting.advice and f"{pasting.advice} ")
                    + "Start again, and copy it from the browser's address bar."
                )
        raise SignOnTimeoutError(
            f"Nothing was pasted within {self._timeout:g} seconds. Start again, or "
            "allow more time with ConsoleSignOn(timeout=...)."
        )
