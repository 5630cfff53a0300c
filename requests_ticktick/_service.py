"""The services: their endpoints and the origins of their APIs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from urllib3.util import parse_url

from ._urls import is_loopback as is_loopback
from ._urls import origin, reached_origin, require_secure, without_query
from ._value import Value, discreet

_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")


class Service(Value):
    """An OAuth 2.0 authorization server and the API that takes its tokens.

    :param authorization_endpoint: Where a person grants access (RFC 6749 3.1).
    :param token_endpoint: RFC 6749 3.2.
    :param api_origins: One or several ``scheme://host[:port]``. The token is
        sent to no other origin.
    :param revocation_endpoint: RFC 7009, if the service has one.
    :param token_endpoint_auth_method: ``client_secret_basic``,
        ``client_secret_post`` or ``none`` (RFC 7591 2).
    :param code_challenge_method: ``S256`` for PKCE (RFC 7636), which is used
        with a client secret as well (RFC 9700 2.1.1). ``None`` for a server
        that does not tolerate PKCE.
    :param extra_authorization_params: Further parameters of the authorization
        request.
    :raises InsecureTransportError: An address is neither ``https://`` nor
        ``http://`` on a loopback address.
    :raises ValueError: A method is unknown, an API origin is not an origin, or
        there is neither client authentication nor PKCE.
    """

    __slots__ = (
        "_extra",
        "api_origins",
        "api_prefixes",
        "authorization_endpoint",
        "code_challenge_method",
        "is_local",
        "revocation_endpoint",
        "token_endpoint",
        "token_endpoint_auth_method",
    )

    authorization_endpoint: str
    token_endpoint: str
    api_origins: tuple[str, ...]
    api_prefixes: tuple[str, ...]
    #: Whether the API is on this machine, where any program may listen.
    is_local: bool
    revocation_endpoint: str | None
    token_endpoint_auth_method: str
    code_challenge_method: str | None
    _extra: dict[str, str]

    @discreet
    def __init__(
        self,
        authorization_endpoint: str,
        token_endpoint: str,
        api_origins: str | Iterable[str],
        *,
        revocation_endpoint: str | None = None,
        token_endpoint_auth_method: str = "client_secret_basic",
        code_challenge_method: str | None = "S256",
        extra_authorization_params: Mapping[str, str] | None = None,
    ) -> None:
        if token_endpoint_auth_method not in _AUTH_METHODS:
            raise ValueError(
                f"token_endpoint_auth_method must be one of {', '.join(_AUTH_METHODS)}"
            )
        if code_challenge_method not in (None, "S256"):
            # RFC 9700 2.1.1: 'plain' reveals the verifier.
            raise ValueError("code_challenge_method must be 'S256' or None")
        if code_challenge_method is None and token_endpoint_auth_method == "none":
            # RFC 9700 2.1.1: anybody who saw the code could use it.
            raise ValueError(
                "PKCE is required without client authentication: "
                "code_challenge_method must be 'S256'"
            )
        if isinstance(api_origins, str):
            api_origins = (api_origins,)
        origins = tuple(_api_origin(origin) for origin in api_origins)
        for endpoint in (authorization_endpoint, token_endpoint, revocation_endpoint):
            if endpoint is not None:
                require_secure(endpoint)
        self._set(
            authorization_endpoint=authorization_endpoint,
            token_endpoint=token_endpoint,
            api_origins=origins,
            # URLs prepared by requests begin with one of these.
            api_prefixes=tuple(f"{origin}/" for origin in origins),
            is_local=any(is_loopback(urlsplit(url).hostname) for url in origins),
            revocation_endpoint=revocation_endpoint,
            token_endpoint_auth_method=token_endpoint_auth_method,
            code_challenge_method=code_challenge_method,
            _extra=dict(extra_authorization_params or {}),
        )

    @property
    def extra_authorization_params(self) -> Mapping[str, str]:
        """Return the further parameters of the authorization request."""
        return MappingProxyType(self._extra)

    @property
    def issuer(self) -> str:
        """Return the issuer of authorization responses (RFC 9207 2)."""
        found = origin(self.authorization_endpoint)
        assert found is not None  # require_secure() found a scheme and a host
        return found

    @property
    def default_redirect_uri(self) -> str:
        """Return the redirect URI of a client that configures none.

        Each service has its own, so that the address of a response shows which
        service it came from (RFC 9700 4.4.2.2).
        """
        path = _REDIRECT_PATHS.get(self.authorization_endpoint)
        if path is None:
            place = without_query(self.authorization_endpoint).partition("//")[2]
            path = f"/{re.sub('[^A-Za-z0-9._~/-]', '-', place)}/callback"
        return f"http://127.0.0.1:8765{path}"

    def is_api_url(self, url: str | None) -> bool:
        """Whether ``url`` is on an API origin: the token may be sent there."""
        if url is None:
            return False
        return (
            url.startswith(self.api_prefixes) or reached_origin(url) in self.api_origins
        )

    def _key(self) -> tuple[object, ...]:
        return (*super()._key()[1:], tuple(sorted(self._extra.items())))

    def __repr__(self) -> str:
        return f"<Service {self.authorization_endpoint}>"


def _api_origin(url: str) -> str:
    require_secure(url)
    parts = parse_url(url)
    if parts.path not in (None, "", "/") or parts.query or parts.fragment or parts.auth:
        raise ValueError(
            f"An API origin must be scheme://host[:port] without a path, not "
            f"{without_query(url)!r}"
        )
    found = origin(url)
    assert found is not None  # require_secure() found a scheme and a host
    return found


TICKTICK = Service(
    "https://ticktick.com/oauth/authorize",
    "https://ticktick.com/oauth/token",
    ["https://api.ticktick.com"],
)

#: TickTick in China, with separate accounts, apps and developer portal.
DIDA365 = Service(
    "https://dida365.com/oauth/authorize",
    "https://dida365.com/oauth/token",
    ["https://api.dida365.com"],
)

_REDIRECT_PATHS = {
    TICKTICK.authorization_endpoint: "/callback",
    DIDA365.authorization_endpoint: "/dida365/callback",
}

#: The services' names in ``TICKTICK_SERVICE`` and ``--service``.
NAMES = {"ticktick": TICKTICK, "dida365": DIDA365}


def named(name: str) -> Service | None:
    """Return the service that has this name, if there is one.

    :param name: ``ticktick``, ``dida365``, or the address of a sandbox.
    """
    base = sandbox_base(name)
    return NAMES.get(name.lower()) if base is None else sandbox_service(base)


def sandbox_base(text: str) -> str | None:
    """Return ``http://host:port`` if the text can be a sandbox's address."""
    try:
        parts = urlsplit(text.lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not is_loopback(parts.hostname) or port == 0:
        return None
    if (
        parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        return None
    return f"http://{parts.netloc}"


def sandbox_service(base: str) -> Service:
    """Return the service of a sandbox at a base URL."""
    return Service(f"{base}/oauth/authorize", f"{base}/oauth/token", [base])
