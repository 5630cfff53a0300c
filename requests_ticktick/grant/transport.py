"""One POST, by a user's session or by one of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util import Retry

from .punctual import Punctual

#: A code is good once: what was sent is not sent again (RFC 6749 4.1.2). A
#: connection that was refused has sent nothing.
RETRY = Retry(
    total=None, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2
)


def post(
    url: str,
    form: Mapping[str, str],
    *,
    headers: Mapping[str, str],
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
    session: requests.Session | None,
    timeout: tuple[float, float],
    deadline: float,
) -> requests.Response:
    """Send a form, and return the answer, redirect or not.

    :param session: Its adapter, proxies, certificates and headers apply. Its
        hooks, auth, parameters and cookies are for other requests.
    :param timeout: Seconds to connect, and between two reads.
    :param deadline: Seconds for all of it.
    :raises requests.Timeout: It took longer.
    """
    with contextlib.ExitStack() as stack:
        if session is None:
            session = stack.enter_context(_session_for(url))
        merged = CaseInsensitiveDict(session.headers)
        for name in ("Authorization", "Cookie"):
            merged.pop(name, None)
        merged.update(headers)
        merged["Accept-Encoding"] = "identity"
        # Prepared without a session: nothing of one gets into it.
        request = requests.Request(
            "POST", url, headers=merged, data=form, auth=auth
        ).prepare()
        settings = session.merge_environment_settings(url, {}, True, None, None)
        carrier = stack.enter_context(
            _Carrier(Punctual(session.get_adapter(url), deadline))
        )
        return carrier.send(request, timeout=timeout, allow_redirects=False, **settings)


def _session_for(url: str) -> requests.Session:
    session = requests.Session()
    # No proxy leads to this machine's own loopback address.
    session.trust_env = url.startswith("https:")
    session.mount("https://", HTTPAdapter(max_retries=RETRY))
    session.mount("http://", HTTPAdapter(max_retries=RETRY))
    return session


class _Carrier(requests.Session):
    """A session of one adapter.

    What mocks and traces requests takes the place of ``Session.send``.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False  # the other session has looked
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, nor look where it leads.

        A 307 would carry code and secret there. Looking, requests raises what
        it thinks of an address that is none.
        """
