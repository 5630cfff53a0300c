"""One POST, by the user's session or by a new one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util import Retry

from .limits import DeadlineAdapter

#: Nothing is sent twice, because a code can be used only once (RFC 6749
#: 4.1.2). If the connection was refused, nothing was sent.
RETRY = Retry(
    total=None, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2
)


def post(
    url: str,
    fields: Mapping[str, Any],
    *,
    as_json: bool = False,
    headers: Mapping[str, str],
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
    session: requests.Session | None,
    timeout: tuple[float, float],
    deadline: float,
) -> requests.Response:
    """Send a form and return the response, even if it is a redirect.

    :param as_json: Send the fields as a JSON object instead.
    :param session: Its adapter, proxies, certificates and headers apply. Its
        hooks, auth, parameters and cookies do not.
    :param timeout: Seconds to connect, and between two reads.
    :param deadline: Seconds for everything.
    :raises requests.Timeout: The deadline has passed.
    """
    with contextlib.ExitStack() as stack:
        if session is None:
            session = stack.enter_context(_session_for(url))
        merged = CaseInsensitiveDict(session.headers)
        for name in ("Authorization", "Cookie"):
            merged.pop(name, None)
        merged.update(headers)
        merged["Accept-Encoding"] = "identity"
        # Prepared without the session, whose auth and cookies do not apply.
        form, payload = ({}, fields) if as_json else (fields, None)
        request = requests.Request(
            "POST", url, headers=merged, data=form, json=payload, auth=auth
        ).prepare()
        settings = session.merge_environment_settings(url, {}, True, None, None)
        sender = stack.enter_context(
            _AdapterSession(DeadlineAdapter(session.get_adapter(url), deadline))
        )
        return sender.send(request, timeout=timeout, allow_redirects=False, **settings)


def _session_for(url: str) -> requests.Session:
    session = requests.Session()
    # A proxy cannot reach this machine's loopback address.
    session.trust_env = url.startswith("https:")
    session.mount("https://", HTTPAdapter(max_retries=RETRY))
    session.mount("http://", HTTPAdapter(max_retries=RETRY))
    return session


class _AdapterSession(requests.Session):
    """A session with one adapter.

    It is a session because mocks and tracers replace ``Session.send``.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False  # post() has merged the environment already
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target, so that no redirect is followed or parsed.

        A 307 would send the code and the secret on. Parsing would raise an
        error if the target is not a URL.
        """
