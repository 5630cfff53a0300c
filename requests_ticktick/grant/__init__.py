"""The authorization code grant (RFC 6749 4.1 and 6, RFC 7636).

requests-oauthlib carries the protocol; it is imported at the first sign-on,
since most processes never see one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping

import requests

from .. import _fields
from .._value import Secret, discreet
from ..client import Client
from ..errors import TickTickAuthError, TokenEndpointError
from ..owner import Owner
from ..service import Service
from ..token import Token
from .once import completed_once
from .redirect import require_redirect_uri
from .request import AuthorizationRequest, require_own
from .scope import tell_difference

logger = logging.getLogger("requests_ticktick")

#: RFC 6749 5.2: what another try with the same refresh token cannot change.
_REFRESH_IS_OVER = frozenset(
    {
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)

__all__ = ["AuthorizationCodeGrant", "AuthorizationRequest"]


class AuthorizationCodeGrant:
    """How an app gets a token from a service.

    :param service: The endpoints.
    :param client: The app's credentials.
    :param scope: The scopes to ask for, a list or separated by spaces.
    :param session: Carries the token requests (proxies, certificates); by
        default each has one of its own.
    """

    def __init__(
        self,
        service: Service,
        client: Client,
        *,
        scope: str | Iterable[str],
        session: requests.Session | None = None,
    ) -> None:
        self._service = service
        self._client = client
        self._scope = _fields.scope(scope) or ""
        self._session = session
        #: What is equal in two grants that do the same.
        self.terms = service, client, self._scope

    @property
    def owner(self) -> Owner:
        """Return whose tokens these are."""
        return Owner(
            self._client.client_id,
            self._service.token_endpoint,
            self._scope,
            is_local=self._service.is_local,
        )

    @property
    def redirect_uri(self) -> str:
        """Return where the person is sent back to."""
        return self._client.redirect_uri or self._service.default_redirect_uri

    def begin(self) -> AuthorizationRequest:
        """Make an authorization request (RFC 6749 4.1.1).

        :raises SignOnRequiredError: The client's id or secret is missing.
        :raises InsecureTransportError: The redirect URI would show the code to
            others.
        """
        from oauthlib.oauth2 import WebApplicationClient
        from requests_oauthlib import OAuth2Session

        client_id = self._client.require_id()
        redirect_uri = self.redirect_uri
        require_redirect_uri(redirect_uri)
        if self._service.token_endpoint_auth_method != "none":
            # Asked for now: nobody should grant access in vain.
            self._client.require_secret()
        client = WebApplicationClient(client_id)
        session = OAuth2Session(
            client=client, redirect_uri=redirect_uri, scope=self._scope
        )
        params = dict(self._service.extra_authorization_params)
        verifier = None
        if self._service.code_challenge_method is not None:
            verifier = client.create_code_verifier(64)
            params["code_challenge"] = client.create_code_challenge(verifier, "S256")
            params["code_challenge_method"] = "S256"
        state = secrets.token_urlsafe(32)
        # oauthlib refuses http://, which Service has admitted for loopback
        # addresses alone.
        scheme, rest = self._service.authorization_endpoint.split(":", 1)
        url, _ = session.authorization_url(f"https:{rest}", state=state, **params)
        return AuthorizationRequest(
            f"{scheme}:{url.split(':', 1)[1]}",
            state=state,
            redirect_uri=redirect_uri,
            code_verifier=verifier,
            issuer=self._service.issuer,
            client_id=client_id,
            token_endpoint=self._service.token_endpoint,
        )

    def exchange(
        self, request: AuthorizationRequest, redirected_url: str, *, now: float
    ) -> Token:
        """Turn the redirect into a token (RFC 6749 4.1.3).

        :param redirected_url: Where the person was sent back to.
        :param now: Epoch seconds.
        :raises SignOnError: The redirect carries no code of this sign-on, or
            it was completed already.
        :raises TokenEndpointError: The code was not accepted.
        """
        redirected_url = Secret(redirected_url)
        require_own(request, self._service, self._client.require_id())
        form = {"code": request.code_from(redirected_url)}
        if request.code_verifier is not None:
            form["code_verifier"] = Secret(request.code_verifier)
        with completed_once(request.state):
            token = self._send(form, redirect_uri=request.redirect_uri, now=now)
        tell_difference(self._scope, token)
        return token

    def refresh(self, token: Token, *, now: float) -> Token | None:
        """Turn a refresh token into an access token (RFC 6749 6).

        An answer without a refresh token leaves the old one in force.

        :param now: Epoch seconds.
        :returns: ``None`` where the grant has come to its end: the refresh
            token is spent, or the client may not use it. A person can help.
        :raises TokenEndpointError: The token endpoint failed otherwise.
        """
        assert token.refresh_token is not None  # the caller has looked
        form = {"refresh_token": Secret(token.refresh_token)}
        try:
            renewed = self._send(form, redirect_uri=self.redirect_uri, now=now)
        except TokenEndpointError as error:
            # Dida365 calls it an invalid client that may not use this grant.
            said = error.description or ""
            if error.error in _REFRESH_IS_OVER or "grant type" in said:
                logger.debug("The refresh grant has ended: %s", error)
                return None
            raise
        tell_difference(self._scope, renewed, before=token)
        if renewed.refresh_token is None:
            return renewed.replace(refresh_token=token.refresh_token)
        return renewed

    @discreet
    def _send(self, form: Mapping[str, str], *, redirect_uri: str, now: float) -> Token:
        """Send one token request.

        The errors of the libraries below do not leave here: they have the
        request with them, and it has the code.
        """
        try:
            from .token_endpoint import TokenRequest

            request = TokenRequest(
                self._service,
                self._client,
                form,
                redirect_uri=redirect_uri,
                scope=self._scope,
                transport=self._session,
                now=now,
            )
            if "code" in form:
                return request.exchange_code()
            return request.exchange_refresh_token()
        except TickTickAuthError:
            raise
        except Exception as error:
            # Whatever requests lets through, or a user's session raises.
            explained = _explain(error)
        raise TokenEndpointError(
            f"No answer from the token endpoint {self._service.token_endpoint} "
            f"{explained}"
        )


def _explain(error: Exception) -> str:
    try:
        from .trouble import explain
    except ImportError:
        return f"({type(error).__name__}): the interpreter has come to its end."
    return explain(error)
