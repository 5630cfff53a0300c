"""The authorization request, and the redirect that answers it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import AuthorizationDeniedError, SignOnError, StateMismatchError
from .._urls import reached_origin, without_query
from .._value import Value, discreet, public
from .advice import denial_advice, hint
from .error_text import clean
from .redirect import is_at_redirect_uri, parameters

if TYPE_CHECKING:
    from .._service import Service

#: RFC 6749 A.11.
_CODE = r"[\x20-\x7e]+"


@public
class AuthorizationRequest(Value):
    """One authorization request, and the check of the redirect that ends it.

    :meth:`to_dict` and :meth:`from_dict` convert it to and from plain data, so
    that a web application can keep it in the person's session and complete the
    sign-on in another process. It is for one person and one sign-on, at one
    service and by one client.

    :param url: The URL that the person opens.
    :param state: The random value that the redirect must carry (RFC 6749
        10.12).
    :param redirect_uri: Where the service redirects the person.
    :param code_verifier: The secret of PKCE (RFC 7636), if it is used.
    :param issuer: What the redirect's ``iss`` must be, if it has one (RFC
        9207 2). ``None`` if that is not known.
    :param client_id: The client that asks.
    :param token_endpoint: The only endpoint that the code may be sent to (RFC
        9700 4.4.2).
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
        """Return the request that :meth:`to_dict` converted.

        :raises SignOnError: The fields are not those of a request.
        """
        values = dict.fromkeys(cls.__slots__)
        if isinstance(fields, Mapping):
            values.update({name: fields.get(name) for name in cls.__slots__})
        optional = {name: values.pop(name) for name in ("code_verifier", "issuer")}
        complete = all(isinstance(value, str) and value for value in values.values())
        if not complete or not all(
            isinstance(value, (str, type(None))) for value in optional.values()
        ):
            raise SignOnError(
                "The stored authorization request is incomplete: begin the sign-on "
                "again."
            )
        return cls(**values, **optional)  # type: ignore[arg-type]  # checked

    def to_dict(self) -> dict[str, Any]:
        """Return plain data. Keep it secret: it can complete the sign-on."""
        return self.__getstate__()

    def accepts(self, redirected_url: str) -> bool:
        """Whether the URL is the redirect that ends this sign-on."""
        if not self.has_come_back(redirected_url):
            return False
        answer = parameters(redirected_url)
        return self._same_state(answer) and ("code" in answer or "error" in answer)

    def has_come_back(self, redirected_url: str) -> bool:
        """Whether the response arrived at the redirect URI (RFC 8252 8.10)."""
        return is_at_redirect_uri(redirected_url, self.redirect_uri)

    @discreet
    def code_from(self, redirected_url: str) -> str:
        """Return the authorization code from the redirect.

        :param redirected_url: The whole URL, or its query.
        :raises AuthorizationDeniedError: The URL contains an error.
        :raises StateMismatchError: The URL belongs to another sign-on, is
            not at the redirect URI, or came from another service.
        :raises SignOnError: The URL contains neither a code nor an error.
        """
        if not self.has_come_back(redirected_url):
            raise self._wrong_address(redirected_url)
        answer = parameters(redirected_url)
        if not self._same_state(answer):
            # Checked before 'error', because anybody can send an error without
            # a state (RFC 6749 4.1.2.1).
            raise StateMismatchError(
                "The redirect does not belong to this sign-on: its 'state' is missing "
                "or different. Open the URL that was shown last, and pass the whole "
                "address that the browser ends up at."
            )
        self._require_issuer(answer)
        if "error" in answer:
            raise self._denied(answer)
        if not re.fullmatch(_CODE, answer.get("code", "")):
            raise SignOnError(
                "The redirect contains no authorization code. Pass the whole address "
                "that the browser shows after access is allowed."
            )
        return answer["code"]

    def _wrong_address(self, redirected_url: str) -> StateMismatchError:
        # The code may follow any of these, and be repeated in the path.
        place = without_query(re.split("[?#&=%;]", redirected_url.strip())[0])
        place = self._shown(place, parameters(redirected_url))
        return StateMismatchError(
            f"The redirect came to {place}, but the redirect URI is "
            f"{self.redirect_uri}. Pass the whole address that the browser shows "
            "after access is allowed. A web application behind a proxy may see "
            "http:// or another host: have it trust the proxy's headers (Flask: "
            "ProxyFix; Django: SECURE_PROXY_SSL_HEADER), or pass only the query."
        )

    def _require_issuer(self, answer: Mapping[str, str]) -> None:
        """Require that this service answered, if the answer says which did."""
        issuer = answer.get("iss")
        if self.issuer is None or issuer is None or issuer == self.issuer:
            return
        raise StateMismatchError(
            "The redirect came from another service than the one asked: its 'iss' is "
            f"{self._shown(issuer, answer)!r}, not {self.issuer}. Its code was sent "
            "nowhere. Begin the sign-on again, and follow only the URL that is shown."
        )

    def _denied(self, answer: Mapping[str, str]) -> AuthorizationDeniedError:
        error = self._shown(answer["error"], answer)
        description = self._shown(answer.get("error_description", ""), answer)
        known = hint(f"{error} {description}", self.redirect_uri)
        advice = denial_advice(error) if known is None else known
        quoted = f"{error}: {description}" if description else error
        return AuthorizationDeniedError(
            f"Access was not granted ({quoted.rstrip('.')}). {advice}",
            error=error,
            description=description or None,
        )

    def _shown(self, text: str, answer: Mapping[str, str]) -> str:
        return clean(text, (self.state, self.code_verifier, answer.get("code")))

    def _same_state(self, answer: Mapping[str, str]) -> bool:
        state = answer.get("state", "").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(state, self.state.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return f"<AuthorizationRequest redirect_uri={self.redirect_uri!r}>"


def require_own(request: object, service: Service, client_id: str) -> None:
    """Require that a request was begun here, before its code is sent.

    A code must reach no server but the one that issued it (RFC 9700 4.4.2).

    :raises SignOnError: The object is not a request, or another service or
        client began it.
    """
    if not isinstance(request, AuthorizationRequest):
        # A web application may pass what it found in an expired session.
        raise SignOnError(
            "Expected an AuthorizationRequest to complete, got "
            f"{type(request).__name__}: convert the data of to_dict() with "
            "AuthorizationRequest.from_dict(), or begin again."
        )
    asked = reached_origin(request.url)
    own = reached_origin(service.authorization_endpoint)
    begun = asked, request.issuer, request.token_endpoint, request.client_id
    if begun != (own, service.issuer, service.token_endpoint, client_id):
        raise StateMismatchError(
            f"This sign-on was begun at {asked} for the client {request.client_id}, so "
            f"it cannot be completed at {own} for {client_id}. Complete it with the "
            "same service and client, or begin again."
        )
