"""The authorization code grant (RFC 6749 4.1 and 6, RFC 7636).

requests-oauthlib implements the protocol. It is imported at the first sign-on,
as the modules of this folder are: most processes never need one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import requests

from .. import _fields
from .._client import Client
from .._errors import TickTickAuthError, TokenEndpointError
from .._service import Service
from .._stamp import Stamp
from .._token import Token
from .._value import Secret, discreet

if TYPE_CHECKING:
    from .request import AuthorizationRequest
    from .revocation import Revocation

logger = logging.getLogger("requests_ticktick")


class AuthorizationCodeGrant:
    """Obtains tokens from a service for an app.

    :param service: The service's endpoints.
    :param client: The app's credentials.
    :param scope: The scopes to request, as a list or separated by spaces.
    :param session: Sends the token requests, by its proxies and certificates.
        Default: a new session for each.
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
        #: Equal for two grants that obtain the same tokens.
        self.terms: tuple[object, ...] = service, client, self._scope

    @property
    def stamp(self) -> Stamp:
        """Return whose tokens this grant obtains."""
        return Stamp(
            self._client.client_id,
            self._service.token_endpoint,
            self._scope,
            is_local=self._service.is_local,
        )

    @property
    def redirect_uri(self) -> str:
        """Return where the service redirects the person."""
        return self._client.redirect_uri or self._service.default_redirect_uri

    def begin(self, kept: Iterable[Token] = ()) -> AuthorizationRequest:
        """Return a new authorization request (RFC 6749 4.1.1).

        :param kept: Tokens, some of which may name a client. This grant has
            one.
        :raises SignOnRequiredError: The client id is missing, or a secret
            that the service cannot do without.
        :raises InsecureTransportError: Others could read the code at the
            redirect URI.
        """
        del kept
        import secrets

        from oauthlib.oauth2 import WebApplicationClient
        from requests_oauthlib import OAuth2Session

        from .authentication import authentication_method
        from .redirect import require_redirect_uri
        from .request import AuthorizationRequest

        client_id = self._client.require_id()
        redirect_uri = self.redirect_uri
        require_redirect_uri(redirect_uri)
        # Before a person grants access that cannot be used.
        authentication_method(self._service, self._client)
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
        # oauthlib refuses http://. Service has allowed it for loopback
        # addresses only, so the scheme is restored afterwards.
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

    def begin_again(
        self, request: AuthorizationRequest, error: TickTickAuthError
    ) -> AuthorizationRequest | None:
        """Return another request after a failed sign-on, if that may help."""
        return None  # the same client would get the same answer

    def exchange(
        self, request: AuthorizationRequest, redirected_url: str, *, now: float
    ) -> Token:
        """Exchange the code in the redirect for a token (RFC 6749 4.1.3).

        :param redirected_url: The URL that the person was redirected to.
        :param now: Epoch seconds.
        :raises SignOnError: The URL has no code for this sign-on, or the
            sign-on has already been completed.
        :raises TokenEndpointError: The service did not accept the code.
        """
        from .request import require_own
        from .scope import log_scope_difference
        from .single_use import completed_once

        redirected_url = Secret(redirected_url)
        require_own(request, self._service, self._client.require_id())
        form = {"code": request.code_from(redirected_url)}
        if request.code_verifier is not None:
            form["code_verifier"] = Secret(request.code_verifier)
        with completed_once(request.state):
            token = self._send(form, redirect_uri=request.redirect_uri, now=now)
        log_scope_difference(self._scope, token)
        return token

    def refresh(self, token: Token, *, now: float) -> Token | None:
        """Exchange a refresh token for an access token (RFC 6749 6).

        The old refresh token stays valid if the response has no new one.

        :param now: Epoch seconds.
        :returns: ``None`` if a person has to sign on again: the refresh token
            is no longer valid, or the client may not use refresh tokens.
        :raises TokenEndpointError: The token endpoint failed for another
            reason.
        """
        from .advice import ends_refreshing
        from .scope import log_scope_difference

        assert token.refresh_token is not None  # the caller has checked
        form = {"refresh_token": Secret(token.refresh_token)}
        try:
            renewed = self._send(form, redirect_uri=self.redirect_uri, now=now)
        except TokenEndpointError as error:
            if ends_refreshing(error.error, error.description):
                logger.debug("The refresh grant has ended: %s", error)
                return None
            raise
        log_scope_difference(self._scope, renewed, before=token)
        if renewed.refresh_token is None:
            return renewed.replace(refresh_token=token.refresh_token)
        return renewed

    def revocation(self) -> Revocation:
        """Return what revokes this client's tokens (RFC 7009).

        :raises RevocationError: The service has no revocation endpoint.
        """
        from .revocation import Revocation

        return Revocation(self._service, self._client, self._session)

    @discreet
    def _send(self, form: Mapping[str, str], *, redirect_uri: str, now: float) -> Token:
        """Send one token request.

        The errors of requests and oauthlib are replaced here, because they
        refer to the request, which contains the code.
        """
        from .advice import explained  # no import works where Python is exiting

        is_refresh = "refresh_token" in form
        endpoint = self._service.token_endpoint
        if is_refresh:
            endpoint = self._service.refresh_endpoint
        try:
            from .token_endpoint import TokenRequest

            request = TokenRequest(
                endpoint,
                self._service,
                self._client,
                form,
                redirect_uri=redirect_uri,
                scope=self._scope,
                transport=self._session,
                now=now,
            )
            if is_refresh:
                return request.exchange_refresh_token()
            return request.exchange_code()
        except TickTickAuthError:
            raise
        except Exception as error:
            # Anything that requests, an adapter or a user's session raises.
            explanation = explained(error)
        raise TokenEndpointError(
            f"No response from the token endpoint {endpoint} {explanation}"
        )
