"""The redirect URI, and whether a response came to it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from .._urls import DEFAULT_PORTS, is_loopback, without_query
from .._value import Secret
from ..errors import InsecureTransportError, SignOnError

#: A redirect has a handful of parameters; more are an attack.
_MAX_FIELDS = 50

#: Characters, far more than browsers and servers let through.
_LONGEST = 65_536

#: The reverse of a domain name; a host and a port go on with no slash.
_APP_SCHEME = r"(?i)[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/"

#: A query without an address; or less than that, such as a code alone.
_QUERY = r"\?|[\w.~%-]*([=&]|$)"


def require_redirect_uri(uri: str) -> None:
    """Let a redirect URI pass that a code may be sent to.

    That is ``https://``, ``http://`` on a loopback address (RFC 8252 7.3), and
    an app's own scheme, which has a period in it (RFC 8252 7.1).

    :raises InsecureTransportError: Somebody else could read the code there.
    :raises SignOnError: It is no redirect URI (RFC 6749 3.1.2).
    """
    shown = without_query(uri)
    if "#" in uri or "\\" in uri or " " in uri or not uri.isprintable():
        raise SignOnError(
            f"The redirect URI {shown!r} has a fragment, or a character that no URI "
            "has. Register one without, and pass that."
        )
    if _is_private(uri):
        return
    raise InsecureTransportError(
        f"The redirect URI {shown!r} would show the authorization code to others. It "
        "has to be https://, or http:// on a loopback address (127.0.0.1, [::1], "
        "localhost), or an app's own scheme, such as com.example.app:/callback. "
        "Register such a one in the developer portal, and pass it as redirect_uri."
    )


def _is_private(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises where there is none that can be
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return is_loopback(parts.hostname)
    return re.match(_APP_SCHEME, uri) is not None


def came_back(redirected_url: str, redirect_uri: str) -> bool:
    """Whether a response came to the redirect URI (RFC 8252 8.10).

    A query alone does not say where it came, and passes; of a path alone, the
    path is compared.
    """
    given = _without_fragment(redirected_url)
    if re.match(_QUERY, given):
        return True
    if len(given) > _LONGEST:
        return False
    try:
        here, there = _place(given), _place(redirect_uri)
        sent = parse_qsl(urlsplit(given).query, True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return False
    if given.startswith("/") and not given.startswith("//"):
        here, there = here[-1:], there[-1:]
    # RFC 6749 3.1.2: the query that it has is kept, in whatever order.
    own = parse_qsl(urlsplit(redirect_uri).query, True)
    return here == there and all(field in sent for field in own)


def parameters(redirected_url: str) -> dict[str, str]:
    """Return what the response says, in so far as it says it once."""
    text = _without_fragment(redirected_url)
    is_query = re.match(_QUERY, text) is not None
    query = text.removeprefix("?") if is_query else text.partition("?")[2]
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    # RFC 6749 3.1: a parameter that comes twice is as good as none.
    return {name: Secret(v[0]) for name, v in found.items() if len(v) == 1}


def _without_fragment(redirected_url: str) -> str:
    # It is the browser's own, and some servers add one.
    return redirected_url.strip().partition("#")[0]


def _place(url: str) -> tuple[str | int | None, ...]:
    """Return all but the query, as browsers and frameworks may spell it."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="%/:@!$&'()*+,;=~")
    path = re.sub("%[0-9a-f]{2}", lambda spelled: spelled[0].upper(), path, flags=re.I)
    if parts.scheme in DEFAULT_PORTS:
        path = path or "/"
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    user = parts.netloc.rpartition("@")[0]
    return parts.scheme, user, parts.hostname, port, path
