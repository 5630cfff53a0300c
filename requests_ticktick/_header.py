"""The ``Authorization`` header, and what copies and pickles of it show."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from ._value import Secret

if TYPE_CHECKING:
    from ._token import Token

_MASKED = "Bearer ***"


class Bearer(Secret):
    """The header's value (RFC 6750 2.1), masked in pickles.

    A response includes its request and its history. A cache that stores
    responses on disk would otherwise store the tokens of all of them.
    """

    __slots__ = ()

    def __new__(cls, token: Token) -> Bearer:
        _register_with_yaml()
        return super().__new__(cls, f"Bearer {token.access_token}")

    def __deepcopy__(self, memo: object) -> Bearer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (_MASKED,)


class ResentBearer(Bearer):
    """The header of a request that was sent again, so that a 401 is final.

    requests copies the header when it follows a redirect. A call is therefore
    sent again only once, however many redirects it follows.
    """

    __slots__ = ()


def _register_with_yaml() -> None:
    """Have PyYAML, if the program uses it, write the masked value.

    vcrpy records requests as YAML, which accepts no subclasses of ``str``.
    """
    representer: Any = sys.modules.get("yaml.representer")
    if representer is not None:
        for kind in (representer.SafeRepresenter, representer.Representer):
            for value in (Bearer, ResentBearer):
                kind.add_representer(
                    value, lambda dumper, _: dumper.represent_str(_MASKED)
                )


class HeadersWithBearer(CaseInsensitiveDict["str | bytes"]):
    """Headers of a request that was redirected.

    requests follows the redirect with a copy of the request, and keeps its
    ``Authorization`` within a host. ``Session.rebuild_auth`` would replace it
    with the host's password from ``.netrc``: that cannot replace a token.

    :param goes_on: Whether the copy has the token as well.
    """

    def __init__(self, headers: Any = None, *, goes_on: bool = True) -> None:
        super().__init__(headers)
        self._goes_on = goes_on

    def __setitem__(self, name: str, value: str | bytes) -> None:
        is_password = value[:6] == "Basic " and name.lower() == "authorization"
        if not (is_password and isinstance(self.get(name), Bearer)):
            super().__setitem__(name, value)

    def copy(self) -> HeadersWithBearer:
        """Copy the headers for the request that follows the redirect."""
        headers = HeadersWithBearer(self)
        if not self._goes_on and isinstance(self.get("Authorization"), Bearer):
            del headers["Authorization"]
        return headers

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (dict(self),)
