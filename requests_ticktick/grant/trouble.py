"""Why no answer came, in words of ours.

requests' own words are not passed on: a proxy's address has a password in it,
and a server's first line may hold anything.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any, NamedTuple

from requests import exceptions
from urllib3 import exceptions as urllib3

from .words import clean


class _Known(NamedTuple):
    """What is raised, with which text; what is wrong, and what to do."""

    kind: type[BaseException] | tuple[type[BaseException], ...]
    text: str
    problem: str
    advice: str


_PROXY = (
    "Correct HTTPS_PROXY, ALL_PROXY or NO_PROXY, or the session's proxies, then try "
    "again."
)
_CA = (
    "Set REQUESTS_CA_BUNDLE to the file with your network's CA certificates, or "
    "correct the session's verify."
)
_AGAIN = "Check the network and the proxy settings (HTTPS_PROXY), then try again."

#: The first that is found says more than those behind it.
_KNOWN = (
    _Known(
        exceptions.InvalidSchema,
        "SOCKS",
        "the proxy is a SOCKS proxy, and PySocks is not installed",
        "Run: pip install 'requests[socks]'",
    ),
    _Known(
        exceptions.InvalidSchema,
        "",
        "the session has no adapter for this address",
        "Mount one, or pass another session.",
    ),
    _Known(
        (
            exceptions.InvalidProxyURL,
            urllib3.ProxySchemeUnknown,
            urllib3.ProxySchemeUnsupported,
        ),
        "",
        "the proxy's address is none",
        _PROXY,
    ),
    _Known(
        (exceptions.ProxyError, urllib3.ProxyError),
        "failed: 407",
        "the proxy asks for a user name and a password",
        _PROXY,
    ),
    _Known(
        (exceptions.ProxyError, urllib3.ProxyError),
        "failed: 4",
        "the proxy does not let it through",
        "Ask who runs the proxy, or name the host in NO_PROXY.",
    ),
    _Known(
        (exceptions.ProxyError, urllib3.ProxyError),
        "",
        "the proxy cannot be reached, or is no proxy",
        _PROXY,
    ),
    _Known(OSError, "connecting to SOCKS", "the proxy cannot be reached", _PROXY),
    _Known(
        OSError, "TLS CA certificate bundle", "there is no file of CA certificates", _CA
    ),
    _Known(
        OSError,
        "TLS certificate file",
        "there is no client certificate",
        "Correct the session's cert.",
    ),
    _Known(
        OSError,
        "TLS key file",
        "there is no client certificate's key",
        "Correct the session's cert.",
    ),
    _Known(
        ssl.SSLCertVerificationError,
        "",
        "its certificate is not trusted",
        f"Correct this machine's clock if it is wrong. {_CA}",
    ),
    _Known(
        (ssl.SSLError, exceptions.SSLError, urllib3.SSLError),
        "",
        "no TLS connection was made",
        f"{_CA} Or a proxy or firewall is in the way: try from another network.",
    ),
    _Known(
        socket.gaierror,
        "",
        "its name was not found",
        "Check the network, the name server, and the service's token_endpoint.",
    ),
    _Known(exceptions.ConnectTimeout, "", "no connection was made in time", _AGAIN),
    _Known(
        (exceptions.Timeout, urllib3.ReadTimeoutError),
        "",
        "it did not come in time",
        _AGAIN,
    ),
    _Known(
        ConnectionRefusedError,
        "",
        "the connection was refused",
        f"{_AGAIN} The service's token_endpoint may be wrong.",
    ),
    _Known(
        (ConnectionError, HTTPException, urllib3.ProtocolError),
        "",
        "the connection was closed before all of it was there, or it is no HTTP",
        _AGAIN,
    ),
    _Known(
        UnicodeEncodeError,
        "",
        "a character of the client's id or secret cannot be sent",
        "Copy both again from your app's page in TickTick's developer portal.",
    ),
)


def explain(error: Exception) -> str:
    """Return what is wrong, and what to do about it.

    :param error: From requests, or from whatever a user's session is made of.
    """
    links = list(_links(error))
    for known in _KNOWN:
        for link in links:
            if isinstance(link, known.kind) and known.text in str(link):
                return f"({known.problem}{_detail(link)}). {known.advice}"
    name = clean(type(error).__name__)
    return (
        f"({name}). Check the network, proxy and certificate settings, and what was "
        "passed as session=, then try again."
    )


def _detail(link: BaseException) -> str:
    # OpenSSL's own words, which name the host at most.
    reason = getattr(link, "verify_message", "")
    return f": {clean(reason)}" if reason else ""


def _links(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and all that it wraps in one way or another."""
    left: list[Any] = [error]
    seen: list[BaseException] = []
    while left:
        link = left.pop(0)
        if isinstance(link, BaseException) and link not in seen:
            seen.append(link)
            yield link
            left += [*link.args, getattr(link, "reason", None)]
            left += [link.__cause__, link.__context__]
