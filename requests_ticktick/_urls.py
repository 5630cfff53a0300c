"""What a URL is, decided before a secret is sent there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_letters, digits
from urllib.parse import unquote, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ._errors import InsecureTransportError

DEFAULT_PORTS = {"http": 80, "https": 443}

#: A path of these can be read in one way only.
_PLAIN_CHARACTERS = frozenset(ascii_letters + digits + "/_-")

#: Escapes within escapes that are decoded. No server decodes so often.
_MAX_DECODINGS = 6


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine (RFC 8252 7.3)."""
    if host is None:
        return False
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    if ":" not in host and not host[:1].isdigit():
        return False  # a name, which needs no import of ipaddress
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_secure(url: str) -> None:
    """Require ``https://``, or ``http://`` on a loopback address.

    :raises InsecureTransportError: The URL is neither.
    """
    parts = _parse(url)
    scheme, host = parts if parts is not None else (None, None)
    if host and (scheme == "https" or (scheme == "http" and is_loopback(host))):
        return
    raise InsecureTransportError(
        f"{without_query(url)!r} is not an https:// address. Use https://; plain "
        "http:// is for loopback addresses (127.0.0.1, [::1], localhost) only."
    )


def _parse(url: str) -> tuple[str | None, str | None] | None:
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    return parts.scheme, parts.host


def reached_origin(url: str) -> str | None:
    """Return the origin that requests will connect to, or ``None``.

    requests prepares a URL with urllib3's parser, and connects to the host
    that the standard library's parser finds. If the two differ, there is no
    origin.
    """
    try:
        parts, other = parse_url(url), urlsplit(url)
        same = (parts.host or "").strip("[]") == (other.hostname or "")
        same = same and parts.port == other.port
    except (LocationParseError, ValueError):
        return None
    return origin(url) if same else None


def origin(url: str) -> str | None:
    """Return ``scheme://host[:port]`` as urllib3 reads it, or ``None``.

    :param url: A URL that urllib3 can parse.
    """
    parts = parse_url(url)
    if parts.scheme is None or parts.host is None:
        return None
    if parts.port is None or parts.port == DEFAULT_PORTS.get(parts.scheme):
        return f"{parts.scheme}://{parts.host}"
    return f"{parts.scheme}://{parts.host}:{parts.port}"


def without_query(url: str) -> str:
    """Return a URL without its query and user, so that it can be shown."""
    return url.partition("?")[0].rpartition("@")[2]


def api_base(url: str) -> str:
    """Return an API's address as URLs that requests prepares begin with it.

    :param url: An origin, or an origin and a path that ends in a slash.
    :raises InsecureTransportError: It is neither ``https://`` nor on a
        loopback address.
    :raises ValueError: It has something else, or such a path does not end
        in a slash.
    """
    require_secure(url)
    parts, shown = parse_url(url), without_query(url)
    if parts.query or parts.fragment or parts.auth or "?" in url or "#" in url:
        raise ValueError(
            f"An API origin must be scheme://host[:port], or that with a path that "
            f"ends in a slash, not {shown!r} with more"
        )
    path = _read_path(url)
    if path is None or not (path == "" or path.endswith("/")):
        raise ValueError(
            f"The path of an API origin must end in a slash, and have no '..', unlike "
            f"{shown!r}: write scheme://host/path/ for all that is below that path"
        )
    found = origin(url)
    assert found is not None  # require_secure() found a scheme and a host
    return found if path in ("", "/") else f"{found}{path}"


def is_plainly_below(url: str, bases: Iterable[str]) -> bool:
    """Whether a URL is below one of these addresses, at a glance.

    Such a URL can be read in one way only, as most can. :func:`is_below`
    decides on the others.
    """
    for base in bases:
        if not base.endswith("/"):
            if url.startswith(f"{base}/"):  # all paths of the origin
                return True
        elif url.startswith(base):
            path = url[len(base) :].partition("?")[0].partition("#")[0]
            if _PLAIN_CHARACTERS.issuperset(path):
                return True
    return False


def is_below(url: str, bases: Iterable[str]) -> bool:
    """Whether every server takes a URL for one below these addresses."""
    reached = reached_origin(url)
    if reached is None:
        return False
    path = _read_path(url)
    whole = None if path is None else f"{reached}{path}"
    return any(
        (whole or "").startswith(base) if base.endswith("/") else reached == base
        for base in bases
    )


def _read_path(url: str) -> str | None:
    """Return a URL's path with single slashes, or ``None`` if it is unclear.

    Servers and proxies decode escapes once or more, take a backslash for a
    slash, and cut off ``;parameters`` before they resolve ``..``. Redirects
    reach the server as they are, since requests normalises only the URL of the
    first request.
    """
    decoded = urlsplit(url).path  # as in PreparedRequest.path_url
    try:
        for _ in range(_MAX_DECODINGS):
            decoded = unquote(decoded, errors="strict")
    except UnicodeDecodeError:  # such as an overlong encoding of a dot
        return None
    segments = decoded.replace("\\", "/").split("/")
    if any(segment.partition(";")[0].strip() == ".." for segment in segments):
        return None
    if not decoded.isprintable() or unquote(decoded) != decoded:
        return None
    path = parse_url(url).path or ""
    return re.sub("//+", "/", path) if "//" in path else path
