"""A session that waits where TickTick, or the way to it, is busy."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

#: TickTick's rate limit is a 500 with this ``errorCode``.
_RATE_LIMIT = "exceed_query_limit"

#: Bytes of an answer that may tell of the rate limit. Longer ones are pages.
_MAX_BODY_BYTES = 65_536


def retry_session(
    retries: int = 3,
    backoff_factor: float = 1.0,
    status_forcelist: Collection[int] = (429, 502, 503, 504),
    allowed_methods: Collection[str] | None = ("GET", "HEAD", "OPTIONS"),
    session: requests.Session | None = None,
    *,
    rate_limit_wait: float = 60.0,
) -> requests.Session:
    """Return a session that sends a request again where that may help.

    That is: where no connection came about, with any method; where no response
    came, or one of these statuses; and beyond TickTick's rate limit, which is
    a 500 with the ``errorCode`` ``exceed_query_limit`` and passes within a
    minute. When all tries are used up, the last response is returned.

    :param retries: How often a request is sent again, at most.
    :param backoff_factor: Seconds to wait at first; each further wait is twice
        as long.
    :param status_forcelist: Statuses after which a request is sent again. A
        500 that is not the rate limit's is an error that stays.
    :param allowed_methods: Methods that may be sent twice. A ``POST`` that was
        answered with 502 may have created its task all the same. ``None``
        allows all methods.
    :param session: The session to use. Default: a new one.
    :param rate_limit_wait: Seconds to wait beyond the rate limit, and after a
        429 that does not say how long. It is also the longest wait of all.
    :raises TypeError: ``session`` was passed as the fourth argument, or
        ``allowed_methods`` is a string.
    :raises ValueError: ``allowed_methods`` is empty, or a number is negative
        or not finite.
    """
    if isinstance(allowed_methods, (str, requests.Session)):
        raise TypeError(
            "allowed_methods must be methods such as ('GET', 'HEAD'), not "
            f"{type(allowed_methods).__name__}; a session is passed as session=..."
        )
    for name, number in (("retries", retries), ("rate_limit_wait", rate_limit_wait)):
        if not 0 <= number < math.inf:
            raise ValueError(f"{name} must be 0 or more, not {number}")
    if allowed_methods is not None:
        allowed_methods = frozenset(method.upper() for method in allowed_methods)
        if not allowed_methods:  # which urllib3 takes for all methods
            raise ValueError("allowed_methods must name a method; None allows all")
    without_response = Retry(
        total=retries,
        backoff_factor=backoff_factor,
        allowed_methods=allowed_methods,
        respect_retry_after_header=False,  # the adapter sees to responses
    )
    adapter = WaitingAdapter(without_response, status_forcelist, rate_limit_wait)
    session = requests.Session() if session is None else session
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class WaitingAdapter(HTTPAdapter):
    """Sends requests again after responses that tell to wait.

    :param retry: What applies where there is no response. How often, with
        which methods and after which wait holds for responses as well.
    :param statuses: Those of such responses, besides the rate limit's.
    :param longest: Seconds to wait, at most and beyond the rate limit.
    """

    __attrs__ = [*HTTPAdapter.__attrs__, "_longest", "_statuses"]

    max_retries: Retry

    def __init__(self, retry: Retry, statuses: Collection[int], longest: float) -> None:
        super().__init__(max_retries=retry)
        self._statuses = frozenset(statuses)
        self._longest = longest

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send a request, and again as often as it takes and is allowed."""
        tried, again = 0, self._may_be_sent_again(request)
        while True:
            response = super().send(request, *args, **kwargs)
            if not again or tried >= int(self.max_retries.total or 0):
                return response
            seconds = self._wait_after(response, tried)
            if seconds is None:
                return response
            response.close()
            time.sleep(min(seconds, self._longest))
            tried += 1

    def _may_be_sent_again(self, request: PreparedRequest) -> bool:
        """Whether the method is allowed, and the body is there to be sent."""
        methods, method = self.max_retries.allowed_methods, request.method or ""
        is_allowed = methods is None or method.upper() in methods
        return is_allowed and isinstance(request.body, (bytes, str, type(None)))

    def _wait_after(self, response: Response, tried: int) -> float | None:
        """Return the seconds to wait; ``None`` if that would not help."""
        if _is_rate_limit(response):
            return self._longest
        if response.status_code not in self._statuses:
            return None
        with contextlib.suppress(KeyError, HTTPError, ValueError, OverflowError):
            asked = response.headers["Retry-After"]
            return max(0.0, self.max_retries.parse_retry_after(asked))
        if response.status_code == 429:
            return self._longest
        return float(self.max_retries.backoff_factor * 2**tried)


def _is_rate_limit(response: Response) -> bool:
    if response.status_code != 500:
        return False
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > _MAX_BODY_BYTES:
        return False
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("errorCode") == _RATE_LIMIT
