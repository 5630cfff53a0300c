"""The header's value, wherever requests, a cassette or a pickle takes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from ._value import Secret

if TYPE_CHECKING:
    from .token import Token

_MASKED = "Bearer ***"


class Bearer(Secret):
    """The header's value (RFC 6750 2.1), which is left out of pickles.

    A response holds its request: what caches responses on a disk would
    otherwise keep tokens there, refused ones in the history among them.
    """

    __slots__ = ()

    def __new__(cls, token: Token) -> Bearer:
        _tell_yaml()
        return super().__new__(cls, f"Bearer {token.access_token}")

    def __deepcopy__(self, memo: object) -> Bearer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (_MASKED,)


class SentAgain(Bearer):
    """The header of a request that was sent again: a 401 is the caller's now.

    requests copies it along when it follows redirects, so that one call has
    one answer, however many there are of both.
    """

    __slots__ = ()


def _tell_yaml() -> None:
    """Have PyYAML, where a program uses it, write the masked value.

    vcrpy records requests as YAML, and refuses objects that are not plain.
    """
    representer: Any = sys.modules.get("yaml.representer")
    if representer is not None:
        for kind in (representer.SafeRepresenter, representer.Representer):
            for value in (Bearer, SentAgain):
                kind.add_representer(
                    value, lambda dumper, _: dumper.represent_str(_MASKED)
                )


class Kept(CaseInsensitiveDict["str | bytes"]):
    """Headers whose token no password takes the place of.

    When requests follows a redirect, ``Session.rebuild_auth`` has the host's
    entry in ``.netrc`` replace a header that it has just found fit to be sent.
    """

    def __setitem__(self, name: str, value: str | bytes) -> None:
        is_password = value[:6] == "Basic " and name.lower() == "authorization"
        if not (is_password and isinstance(self.get(name), Bearer)):
            super().__setitem__(name, value)

    def copy(self) -> Kept:
        """Copy the headers, for the request that follows the redirect."""
        return Kept(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (dict(self),)
