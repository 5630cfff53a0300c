"""What a URL is, decided before a secret is sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ._errors import InsecureTransportError

DEFAULT_PORTS = {"http": 80, "https": 443}


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
