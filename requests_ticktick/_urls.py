"""What is safe to say of a URL before a secret is sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from .errors import InsecureTransportError

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine (RFC 8252 7.3)."""
    if host is None:
        return False
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    if ":" not in host and not host[:1].isdigit():
        return False  # a name: nothing has to be imported to know that
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_secure(url: str) -> None:
    """Let ``https://`` pass, and ``http://`` on a loopback address.

    :raises InsecureTransportError: It is neither.
    """
    parts = _parse(url)
    scheme, host = parts if parts is not None else (None, None)
    if host and (scheme == "https" or (scheme == "http" and is_loopback(host))):
        return
    raise InsecureTransportError(
        f"{without_query(url)!r} is not an https:// address. Plain http:// is "
        "for loopback addresses (127.0.0.1, [::1], localhost) alone."
    )


def _parse(url: str) -> tuple[str | None, str | None] | None:
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    return parts.scheme, parts.host


def reached_origin(url: str) -> str | None:
    """Return the origin that requests will connect to, or ``None``.

    requests prepares a URL by urllib3's reading, and connects by the standard
    library's. Where the two see different hosts, it is nobody's origin.
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

    :param url: One that urllib3 can read.
    """
    parts = parse_url(url)
    if parts.scheme is None or parts.host is None:
        return None
    if parts.port is None or parts.port == DEFAULT_PORTS.get(parts.scheme):
        return f"{parts.scheme}://{parts.host}"
    return f"{parts.scheme}://{parts.host}:{parts.port}"


def without_query(url: str) -> str:
    """Return a URL that can be shown: without its query and its user."""
    return url.partition("?")[0].rpartition("@")[2]
