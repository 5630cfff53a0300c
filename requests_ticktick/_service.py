"""The services: their endpoints and the origins of their APIs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from ._urls import api_base, is_below, is_plainly_below, require_secure, without_query
from ._urls import is_loopback as is_loopback
from ._value import Value, discreet, public

_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")


@public
class Service(Value):
    """An OAuth 2.0 authorization server and the API that takes its tokens.

    :param authorization_endpoint: Where a person grants access (RFC 6749 3.1).
    :param token_endpoint: RFC 6749 3.2.
    :param api_origins: One or several ``scheme://host[:port]``, each alone or
        with a path that ends in a slash. The token is sent nowhere else: to
        all paths of an origin that is alone, else only to those below the
        path.
    :param revocation_endpoint: RFC 7009, if the service has one.
    :param refresh_endpoint: Where refresh tokens are used (RFC 6749 6).
        Default: ``token_endpoint``.
    :param issuer: The service's own name in authorization responses (RFC 9207
        2). A response with another ``iss`` is refused. ``None`` if it is not
        known: then ``iss`` is ignored.
    :param token_endpoint_auth_method: ``client_secret_basic``,
        ``client_secret_post`` or ``none`` (RFC 7591 2).
    :param code_challenge_method: ``S256`` for PKCE (RFC 7636), which is used
        with a client secret as well (RFC 9700 2.1.1). ``None`` for a server
        that does not tolerate PKCE.
    :param extra_authorization_params: Further parameters of the authorization
        request.
    :param registration_endpoint: RFC 7591, if the service has one.
    :raises InsecureTransportError: An address is neither ``https://`` nor
        ``http://`` on a loopback address.
    :raises ValueError: A method is unknown, an API origin is not an origin, or
        there is neither client authentication nor PKCE.
    """

    __slots__ = (
        "_extra",
        "api_origins",
        "authorization_endpoint",
        "code_challenge_method",
        "is_local",
        "issuer",
        "refresh_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "token_endpoint",
        "token_endpoint_auth_method",
    )

    authorization_endpoint: str
    token_endpoint: str
    api_origins: tuple[str, ...]
    #: Whether the API is on this machine, where any program may listen.
    is_local: bool
    registration_endpoint: str | None
    revocation_endpoint: str | None
    refresh_endpoint: str
    issuer: str | None
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
        refresh_endpoint: str | None = None,
        issuer: str | None = None,
        token_endpoint_auth_method: str = "client_secret_basic",
        code_challenge_method: str | None = "S256",
        extra_authorization_params: Mapping[str, str] | None = None,
        registration_endpoint: str | None = None,
    ) -> None:
        _check_methods(token_endpoint_auth_method, code_challenge_method)
        if isinstance(api_origins, str):
            api_origins = (api_origins,)
        bases = tuple(map(api_base, api_origins))
        if not bases:
            raise ValueError("api_origins must name at least one origin")
        if refresh_endpoint is None:
            refresh_endpoint = token_endpoint
        for endpoint in (
            authorization_endpoint,
            token_endpoint,
            refresh_endpoint,
            revocation_endpoint,
            registration_endpoint,
        ):
            if endpoint is not None:
                require_secure(endpoint)
        self._set(
            authorization_endpoint=authorization_endpoint,
            token_endpoint=token_endpoint,
            api_origins=bases,
            is_local=any(is_loopback(urlsplit(url).hostname) for url in bases),
            registration_endpoint=registration_endpoint,
            revocation_endpoint=revocation_endpoint,
            refresh_endpoint=refresh_endpoint,
            issuer=issuer,
            token_endpoint_auth_method=token_endpoint_auth_method,
            code_challenge_method=code_challenge_method,
            _extra=dict(extra_authorization_params or {}),
        )

    @property
    def extra_authorization_params(self) -> Mapping[str, str]:
        """Return the further parameters of the authorization request."""
        return MappingProxyType(self._extra)

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
        """Whether the token may be sent to ``url``.

        A URL that a server could read in two ways, as one with ``/../`` or an
        escape of it, is not below a path.
        """
        if url is None:
            return False
        bases = self.api_origins
        return is_plainly_below(url, bases) or is_below(url, bases)

    def _key(self) -> tuple[object, ...]:
        return (*super()._key()[1:], tuple(sorted(self._extra.items())))

    def __repr__(self) -> str:
        return f"<Service {self.authorization_endpoint}>"


def _check_methods(auth_method: str, challenge_method: str | None) -> None:
    if auth_method not in _AUTH_METHODS:
        raise ValueError(
            f"token_endpoint_auth_method must be one of {', '.join(_AUTH_METHODS)}"
        )
    if challenge_method not in (None, "S256"):
        # RFC 9700 2.1.1: 'plain' reveals the verifier.
        raise ValueError("code_challenge_method must be 'S256' or None")
    if challenge_method is None and auth_method == "none":
        # RFC 9700 2.1.1: anybody who saw the code could use it.
        raise ValueError(
            "PKCE is required without client authentication: "
            "code_challenge_method must be 'S256'"
        )


TICKTICK = Service(
    "https://ticktick.com/oauth/authorize",
    "https://ticktick.com/oauth/token",
    ["https://api.ticktick.com/open/"],
    issuer="https://ticktick.com",
    revocation_endpoint="https://api.ticktick.com/oauth/revoke",
    registration_endpoint="https://api.ticktick.com/oauth/register",
)

#: TickTick in China, with separate accounts, apps and developer portal.
DIDA365 = Service(
    "https://dida365.com/oauth/authorize",
    "https://dida365.com/oauth/token",
    ["https://api.dida365.com/open/"],
    registration_endpoint="https://api.dida365.com/oauth/register",
)

_REDIRECT_PATHS = {
    TICKTICK.authorization_endpoint: "/callback",
    DIDA365.authorization_endpoint: "/dida365/callback",
}
