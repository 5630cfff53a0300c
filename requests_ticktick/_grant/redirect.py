"""The redirect URI, and the responses that arrive at it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from .._errors import InsecureTransportError, SignOnError
from .._urls import DEFAULT_PORTS, is_loopback, without_query
from .._value import Secret

#: Parameters of a redirect, which has a handful. More are an attack.
_MAX_PARAMETERS = 50

#: Characters of a URL. Browsers and servers allow far fewer.
_MAX_URL_LENGTH = 65_536

#: A reversed domain name. The slash excludes a host and its port.
_APP_SCHEME = r"(?i)[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/"

#: A query without a URL before it, or part of one, such as a code.
_BARE_QUERY = r"\?|[\w.~%-]*([=&]|$)"


def require_redirect_uri(uri: str) -> None:
    """Require a redirect URI at which only this client can read the code.

    It is ``https://``, ``http://`` on a loopback address (RFC 8252 7.3), or an
    app's own scheme, which contains a period (RFC 8252 7.1).

    :raises InsecureTransportError: Others could read the code there.
    :raises SignOnError: The text is not a redirect URI (RFC 6749 3.1.2).
    """
    shown = without_query(uri)
    if "#" in uri or "\\" in uri or " " in uri or not uri.isprintable():
        raise SignOnError(
            f"The redirect URI {shown!r} has a fragment, or a character that is not "
            "allowed in a URI. Register one without it, and pass that one."
        )
    if _is_private(uri):
        return
    raise InsecureTransportError(
        f"Others could read the authorization code at the redirect URI {shown!r}. It "
        "must be https://, or http:// on a loopback address (127.0.0.1, [::1], "
        "localhost), or an app's own scheme, such as com.example.app:/callback. "
        "Register such a URI in the developer portal, and pass it as redirect_uri."
    )


def _is_private(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises ValueError if it is not a port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return is_loopback(parts.hostname)
    return re.match(_APP_SCHEME, uri) is not None


def is_at_redirect_uri(redirected_url: str, redirect_uri: str) -> bool:
    """Whether a response arrived at the redirect URI (RFC 8252 8.10).

    A query without a URL is accepted, since it does not say where it arrived.
    Of a URL without a host, the path is compared.
    """
    given = _without_fragment(redirected_url)
    if re.match(_BARE_QUERY, given):
        return True
    if len(given) > _MAX_URL_LENGTH:
        return False
    try:
        here, there = _place(given), _place(redirect_uri)
        sent = parse_qsl(urlsplit(given).query, True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return False
    if given.startswith("/") and not given.startswith("//"):
        here, there = here[-1:], there[-1:]
    # RFC 6749 3.1.2: the response keeps the redirect URI's query, in any
    # order.
    own = parse_qsl(urlsplit(redirect_uri).query, True)
    return here == there and all(field in sent for field in own)


def parameters(redirected_url: str) -> dict[str, str]:
    """Return the parameters that occur exactly once in the response."""
    text = _without_fragment(redirected_url)
    is_query = re.match(_BARE_QUERY, text) is not None
    query = text.removeprefix("?") if is_query else text.partition("?")[2]
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}
    # RFC 6749 3.1: a parameter must not occur twice. An issuer that does is
    # not the expected one, so that it counts.
    return {
        name: Secret(" ".join(v))
        for name, v in found.items()
        if len(v) == 1 or name == "iss"
    }


def _without_fragment(redirected_url: str) -> str:
    # Some servers add a fragment, which is for the browser only.
    return redirected_url.strip().partition("#")[0]


def _place(url: str) -> tuple[str | int | None, ...]:
    """Return the parts before the query, without differences in spelling."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="%/:@!$&'()*+,;=~")
    path = re.sub("%[0-9a-f]{2}", lambda spelled: spelled[0].upper(), path, flags=re.I)
    if parts.scheme in DEFAULT_PORTS:
        path = path or "/"
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    user = parts.netloc.rpartition("@")[0]
    return parts.scheme, user, parts.hostname, port, path
