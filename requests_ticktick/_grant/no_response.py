"""Explains why no response came, without quoting requests.

requests' messages may contain a proxy's password, or anything that a server
put into its status line.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any, NamedTuple

from requests import exceptions
from urllib3 import exceptions as urllib3

from .error_text import clean


class _Cause(NamedTuple):
    """An exception and its text; the problem that they mean; the advice."""

    kind: type[BaseException] | tuple[type[BaseException], ...]
    text: str
    problem: str
    advice: str


_PROXY = (
    "Correct HTTPS_PROXY, ALL_PROXY or NO_PROXY, or the session's proxies, then try "
    "again."
)
_CERTIFICATES = (
    "Set REQUESTS_CA_BUNDLE to the file with your network's CA certificates, or "
    "correct the session's verify."
)
_NETWORK = "Check the network and the proxy settings (HTTPS_PROXY), then try again."

#: The most specific causes come first.
_CAUSES = (
    _Cause(
        exceptions.InvalidSchema,
        "SOCKS",
        "the proxy is a SOCKS proxy, and PySocks is not installed",
        "Run: pip install 'requests[socks]'",
    ),
    _Cause(
        exceptions.InvalidSchema,
        "",
        "the session has no adapter for this address",
        "Mount an adapter, or pass another session.",
    ),
    _Cause(
        (
            exceptions.InvalidProxyURL,
            urllib3.ProxySchemeUnknown,
            urllib3.ProxySchemeUnsupported,
        ),
        "",
        "the proxy's address is invalid",
        _PROXY,
    ),
    _Cause(
        (exceptions.ProxyError, urllib3.ProxyError),
        "failed: 407",
        "the proxy asks for a user name and a password",
        _PROXY,
    ),
    _Cause(
        (exceptions.ProxyError, urllib3.ProxyError),
        "failed: 4",
        "the proxy does not allow this connection",
        "Ask the proxy's administrator, or add the host to NO_PROXY.",
    ),
    _Cause(
        (exceptions.ProxyError, urllib3.ProxyError),
        "",
        "the proxy cannot be reached, or is not a proxy",
        _PROXY,
    ),
    _Cause(OSError, "connecting to SOCKS", "the proxy cannot be reached", _PROXY),
    _Cause(
        OSError,
        "TLS CA certificate bundle",
        "the file of CA certificates does not exist",
        _CERTIFICATES,
    ),
    _Cause(
        OSError,
        "TLS certificate file",
        "the client certificate does not exist",
        "Correct the session's cert.",
    ),
    _Cause(
        OSError,
        "TLS key file",
        "the client certificate's key does not exist",
        "Correct the session's cert.",
    ),
    _Cause(
        ssl.SSLCertVerificationError,
        "",
        "its certificate is not trusted",
        f"Correct this machine's clock if it is wrong. {_CERTIFICATES}",
    ),
    _Cause(
        (ssl.SSLError, exceptions.SSLError, urllib3.SSLError),
        "",
        "no TLS connection could be made",
        f"{_CERTIFICATES} If a proxy or firewall is in between, try from another "
        "network.",
    ),
    _Cause(
        socket.gaierror,
        "",
        "its name was not found",
        "Check the network, the name server, and the service's {parameter}.",
    ),
    _Cause(exceptions.ConnectTimeout, "", "no connection was made in time", _NETWORK),
    _Cause(
        (exceptions.Timeout, urllib3.ReadTimeoutError),
        "",
        "it did not arrive in time",
        _NETWORK,
    ),
    _Cause(
        ConnectionRefusedError,
        "",
        "the connection was refused",
        f"{_NETWORK} The service's {{parameter}} may be wrong.",
    ),
    _Cause(
        (ConnectionError, HTTPException, urllib3.ProtocolError, urllib3.InvalidHeader),
        "",
        "the connection ended before the whole response came, or it is not HTTP",
        _NETWORK,
    ),
    _Cause(
        UnicodeEncodeError,
        "",
        "the client id, the secret or a session's header has a character that cannot "
        "be sent",
        "Copy id and secret again from your app's page in TickTick's developer portal.",
    ),
)


def explain(error: Exception, parameter: str = "token_endpoint") -> str:
    """Return the problem and the advice.

    :param error: An error of requests, an adapter or the user's session.
    :param parameter: The parameter of ``Service`` with the address.
    """
    links = list(_chain(error))
    for cause in _CAUSES:
        for link in links:
            if isinstance(link, cause.kind) and cause.text in str(link):
                advice = cause.advice.replace("{parameter}", parameter)
                return f"({cause.problem}{_detail(link)}). {advice}"
    name = clean(type(error).__name__)
    return (
        f"({name}). Check the network, proxy and certificate settings, and the "
        "session passed as session=, then try again."
    )


def _detail(link: BaseException) -> str:
    # OpenSSL's reason, which contains at most the host's name.
    reason = getattr(link, "verify_message", "")
    return f": {clean(reason).rstrip('.')}" if reason else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all the errors that it wraps in any way."""
    left: list[Any] = [error]
    seen: list[BaseException] = []
    while left:
        link = left.pop(0)
        if isinstance(link, BaseException) and link not in seen:
            seen.append(link)
            yield link
            left += [*link.args, getattr(link, "reason", None)]
            left += [link.__cause__, link.__context__]
