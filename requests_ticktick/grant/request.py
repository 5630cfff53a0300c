"""The authorization request, and the redirect that answers it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from .._value import Secret, Value, discreet
from ..errors import AuthorizationDeniedError, SignOnError, StateMismatchError
from .words import clean, hint

#: A redirect has a handful of parameters; more are an attack.
_MAX_FIELDS = 50

#: RFC 6749 A.11.
_CODE = re.compile(r"[\x20-\x7e]+")


class AuthorizationRequest(Value):
    """One authorization request, from its URL to the redirect that ends it.

    Plain data goes out through :meth:`to_dict` and in through
    :meth:`from_dict`, so that a web application can keep it in the person's
    session, and complete it in another process. It belongs to that one person
    and to one sign-on.

    :param url: What the person opens.
    :param state: The random value that the redirect must carry (RFC 6749
        10.12).
    :param redirect_uri: Where the person is sent back to.
    :param code_verifier: The secret of PKCE (RFC 7636), where it is used.
    """

    __slots__ = ("code_verifier", "redirect_uri", "state", "url")

    url: str
    state: str
    redirect_uri: str
    code_verifier: str | None

    def __init__(
        self,
        url: str,
        *,
        state: str,
        redirect_uri: str,
        code_verifier: str | None = None,
    ) -> None:
        self._set(
            url=url,
            state=state,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
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
        answer = _parameters(redirected_url)
        return self._same_state(answer) and ("code" in answer or "error" in answer)

    @discreet
    def code_from(self, redirected_url: str) -> str:
        """Return the authorization code that the redirect carries.

        :param redirected_url: The whole URL, or its query.
        :raises AuthorizationDeniedError: It carries an error.
        :raises StateMismatchError: It is another sign-on's.
        :raises SignOnError: It carries neither code nor error.
        """
        answer = _parameters(redirected_url)
        if "error" in answer and ("state" not in answer or self._same_state(answer)):
            # Without a state it is anybody's, who can do no worse than fail.
            raise self._denied(answer)
        if not self._same_state(answer):
            raise StateMismatchError(
                "The redirect does not belong to this sign-on: its 'state' is missing "
                "or another's. Open the URL that was shown last, and pass on the whole "
                "address that it leads to."
            )
        if not _CODE.fullmatch(answer.get("code", "")):
            raise SignOnError(
                "The redirect carries no authorization code. Pass on the whole address "
                "that the browser shows after access was allowed."
            )
        return answer["code"]

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


def _parameters(redirected_url: str) -> dict[str, str]:
    text = redirected_url.strip()
    _, mark, query = text.partition("?")
    query = (query if mark else text).partition("#")[0]
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    # RFC 6749 3.1: a parameter that comes twice is as good as none.
    return {name: Secret(v[0]) for name, v in found.items() if len(v) == 1}
