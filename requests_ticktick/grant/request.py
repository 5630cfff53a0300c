"""The authorization request, and the redirect that answers it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._urls import without_query
from .._value import Value, discreet
from ..errors import AuthorizationDeniedError, SignOnError, StateMismatchError
from .redirect import came_back, parameters
from .words import clean, hint

if TYPE_CHECKING:
    from ..service import Service

#: RFC 6749 A.11.
_CODE = r"[\x20-\x7e]+"


class AuthorizationRequest(Value):
    """One authorization request, from its URL to the redirect that ends it.

    Plain data goes out through :meth:`to_dict` and in through
    :meth:`from_dict`, so that a web application can keep it in the person's
    session, and complete it in another process. It belongs to that one person
    and to one sign-on, at one service and by one client.

    :param url: What the person opens.
    :param state: The random value that the redirect must carry (RFC 6749
        10.12).
    :param redirect_uri: Where the person is sent back to.
    :param code_verifier: The secret of PKCE (RFC 7636), where it is used.
    :param issuer: Of whom access is asked (RFC 9207 2).
    :param client_id: For which client.
    :param token_endpoint: Where alone the code may be sent (RFC 9700 4.4.2).
    """

    __slots__ = (
        "client_id",
        "code_verifier",
        "issuer",
        "redirect_uri",
        "state",
        "token_endpoint",
        "url",
    )

    url: str
    state: str
    redirect_uri: str
    code_verifier: str | None
    issuer: str | None
    client_id: str | None
    token_endpoint: str | None

    def __init__(
        self,
        url: str,
        *,
        state: str,
        redirect_uri: str,
        code_verifier: str | None = None,
        issuer: str | None = None,
        client_id: str | None = None,
        token_endpoint: str | None = None,
    ) -> None:
        self._set(
            url=url,
            state=state,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
            issuer=issuer,
            client_id=client_id,
            token_endpoint=token_endpoint,
        )

    @classmethod
    @discreet
    def from_dict(cls, fields: Mapping[str, Any]) -> AuthorizationRequest:
        """Read what :meth:`to_dict` gave.

        :raises SignOnError: It is something else.
        """
        values = dict.fromkeys(cls.__slots__)
        if isinstance(fields, Mapping):
            values.update({name: fields.get(name) for name in cls.__slots__})
        verifier = values.pop("code_verifier")
        complete = all(isinstance(value, str) and value for value in values.values())
        if not complete or not isinstance(verifier, (str, type(None))):
            raise SignOnError(
                "The stored authorization request is incomplete: begin the sign-on "
                "again."
            )
        return cls(**values, code_verifier=verifier)  # type: ignore[arg-type]  # checked

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which is as secret as the sign-on itself."""
        return self.__getstate__()

    def accepts(self, redirected_url: str) -> bool:
        """Whether this is the redirect that ends this sign-on."""
        if not self.has_come_back(redirected_url):
            return False
        answer = parameters(redirected_url)
        return self._same_state(answer) and ("code" in answer or "error" in answer)

    def has_come_back(self, redirected_url: str) -> bool:
        """Whether the response came to the redirect URI (RFC 8252 8.10)."""
        return came_back(redirected_url, self.redirect_uri)

    @discreet
    def code_from(self, redirected_url: str) -> str:
        """Return the authorization code that the redirect carries.

        :param redirected_url: The whole URL, or its query.
        :raises AuthorizationDeniedError: It carries an error.
        :raises StateMismatchError: It is another sign-on's, or came elsewhere
            than to the redirect URI.
        :raises SignOnError: It carries neither code nor error.
        """
        if not self.has_come_back(redirected_url):
            raise self._astray(redirected_url)
        answer = parameters(redirected_url)
        if not self._same_state(answer):
            # Nor is an error without a state repeated, which anybody can send
            # (RFC 6749 4.1.2.1).
            raise StateMismatchError(
                "The redirect does not belong to this sign-on: its 'state' is missing "
                "or another's. Open the URL that was shown last, and pass on the whole "
                "address that it leads to."
            )
        if "error" in answer:
            raise self._denied(answer)
        if not re.fullmatch(_CODE, answer.get("code", "")):
            raise SignOnError(
                "The redirect carries no authorization code. Pass on the whole address "
                "that the browser shows after access was allowed."
            )
        return answer["code"]

    def _astray(self, redirected_url: str) -> StateMismatchError:
        # The code may be wherever a query or a fragment could begin.
        place = clean(without_query(re.split("[?#&=]", redirected_url.strip())[0]))
        return StateMismatchError(
            f"The redirect came to {place}, and the redirect URI is "
            f"{self.redirect_uri}. Pass on the whole address that the browser shows "
            "after access was allowed. In a web application behind a proxy, which "
            "sees http:// or another host, have it trust the proxy's headers (Flask: "
            "ProxyFix; Django: SECURE_PROXY_SSL_HEADER), or pass the query alone."
        )

    def _denied(self, answer: Mapping[str, str]) -> AuthorizationDeniedError:
        secrets = (self.state, self.code_verifier, answer.get("code"))
        error, description = (
            clean(answer.get(name, ""), secrets)
            for name in ("error", "error_description")
        )
        advice = hint(f"{error} {description}", self.redirect_uri)
        if advice is None:
            advice = "Sign on again, and allow access."
        said = f"{error}: {description}" if description else error
        return AuthorizationDeniedError(
            f"Access was not granted ({said}). {advice}",
            error=error,
            description=description or None,
        )

    def _same_state(self, answer: Mapping[str, str]) -> bool:
        state = answer.get("state", "").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(state, self.state.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return f"<AuthorizationRequest redirect_uri={self.redirect_uri!r}>"


def require_own(request: object, service: Service, client_id: str) -> None:
    """Send a code to no other server than its own (RFC 9700 4.4.2).

    :raises SignOnError: The request is none, or another service's or client's.
    """
    if not isinstance(request, AuthorizationRequest):
        # A web application passes on what its session has, if it has it still.
        raise SignOnError(
            f"The sign-on to complete is {type(request).__name__}, and no "
            "AuthorizationRequest: read what to_dict() gave with "
            "AuthorizationRequest.from_dict(), or begin again."
        )
    begun = request.issuer, request.token_endpoint, request.client_id
    if begun != (service.issuer, service.token_endpoint, client_id):
        raise StateMismatchError(
            f"This sign-on was begun at {begun[0]} for the client {begun[2]}, and "
            f"cannot be completed at {service.issuer} for {client_id}: complete "
            "it with the service and the client that it was begun with, or begin "
            "again."
        )
