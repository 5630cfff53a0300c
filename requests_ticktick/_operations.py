"""What a program does with the tokens of one client, besides sending them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._value import discreet

if TYPE_CHECKING:
    from ._grant.request import AuthorizationRequest
    from ._replay import ResponseHook
    from ._source import TokenSource
    from ._token import Token


class TokenOperations:
    """Finds, grants and revokes tokens, for whichever client sends them."""

    source: TokenSource
    #: What was sent last. It has the token as well.
    _hook: ResponseHook | None

    def token(self) -> Token:
        """Return a valid token, after a sign-on if one is needed.

        :raises TickTickAuthError: No token was found and none could be
            obtained.
        """
        return self.source.token()

    def peek(self) -> Token | None:
        """Return the token in memory, if it can be used now.

        Nothing is read, locked or renewed, and nothing is raised. ``None``
        says nothing about the stores, which :meth:`find` reads.
        """
        return self.source.peek()

    def find(self) -> Token | None:
        """Return the token in the stores, if it can be used now.

        Each store is read once. Nothing is locked or renewed, and nobody is
        asked. What was found is used by the next requests.

        :returns: ``None`` if there is no token, or none that can be used: it
            has expired, was refused, or is another client's.
        :raises TokenStoreError: Nobody knows, since a store cannot be read
            and memory has no token either.
        """
        return self.source.find()

    def sign_on(self, force: bool = False, *, ask: bool = False) -> Token:
        """Sign on now, unless there is a valid token.

        :param force: Get a new one even so: by a refresh token if there is
            one, else from a person.
        :param ask: Get a new one from a person, whatever there is.
        :raises TickTickAuthError: The sign-on failed.
        """
        return self.source.sign_on(force=force, ask=ask)

    def begin_sign_on(self) -> AuthorizationRequest:
        """Begin a sign-on in two steps, for a web application.

        Send the person to the request's ``url``. Keep the request
        (``to_dict()``) in the person's session until they come back.

        :raises SignOnRequiredError: The client id or secret is missing.
        """
        return self.source.begin()

    @discreet
    def complete_sign_on(
        self, request: AuthorizationRequest, redirected_url: str
    ) -> Token:
        """Complete a sign-on that :meth:`begin_sign_on` began in any process.

        :param redirected_url: The URL that the person was redirected to.
        :raises SignOnError: The URL has no code for this sign-on.
        :raises TokenEndpointError: The service did not accept the code.
        """
        return self.source.complete(request, redirected_url)

    def forget(self) -> None:
        """Delete the token from memory and from the store."""
        self._hook = None
        self.source.forget()

    def revoke(self) -> bool:
        """Have the service revoke the token (RFC 7009), then forget it.

        A process that has it in memory gets a 401, and finds none stored.

        :returns: Whether there was a token.
        :raises RevocationError: The token may still be valid, or the service
            has no revocation endpoint. Nothing was forgotten: call it again.
        :raises LockTimeoutError: Somebody has been signing on for too long.
        :raises TokenStoreError: The store cannot be read; or the token is
            revoked, and could not be deleted.
        """
        self._hook = None
        return self.source.revoke()
