"""The ``Authorization`` header: what it shows, and where it may be sent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ._value import Secret

if TYPE_CHECKING:
    from ._service import Service
    from ._token import Token

MASKED = "Bearer ***"

#: URLs that are remembered. A program that calls more of them starts anew.
_MAX_URLS = 64


class Bearer(Secret):
    """The header's value (RFC 6750 2.1), masked in pickles.

    A response includes its request and its history. A cache that stores
    responses on disk would otherwise store the tokens of all of them.
    """

    __slots__ = ()

    def __new__(cls, token: Token) -> Bearer:
        register_with_yaml()
        return super().__new__(cls, f"Bearer {token.access_token}")

    def __deepcopy__(self, memo: object) -> Bearer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (MASKED,)


class ResentBearer(Bearer):
    """The header of a request that was sent again, so that a 401 is final.

    requests copies the header when it follows a redirect. A call is therefore
    sent again only once, however many redirects it follows.
    """

    __slots__ = ()


def register_with_yaml() -> None:
    """Have PyYAML, if the program uses it, write the masked value.

    vcrpy records requests as YAML, which accepts no subclasses of ``str``.
    """
    representer: Any = sys.modules.get("yaml.representer")
    if representer is None or Bearer in representer.Representer.yaml_representers:
        return
    for kind in (representer.SafeRepresenter, representer.Representer):
        for value in (Bearer, ResentBearer):
            kind.add_representer(value, lambda dumper, _: dumper.represent_str(MASKED))


class Guard(dict["str | None", bool]):
    """Says of a URL whether the token may be sent there: ``guard[url]``.

    A look into a dict costs less than a look at a URL's path.

    :param service: The service whose API gets the token.
    """

    __slots__ = ("_service",)

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def __missing__(self, url: str | None) -> bool:
        _require_text(url)
        if len(self) >= _MAX_URLS:
            self.clear()
        self[url] = decision = self._service.is_api_url(url)
        return decision

    def __reduce__(self) -> tuple[Any, ...]:
        return Guard, (self._service,)  # a pickle keeps no URLs


def _require_text(url: object) -> None:
    if url is not None and not isinstance(url, str):
        raise TypeError(
            "requests_ticktick.TickTickAuth is for requests, and was called by another "
            "client. For httpx use requests_ticktick.httpx.TickTickAuth, for httpx2 "
            "that of requests_ticktick.httpx2, and for aiohttp "
            "requests_ticktick.aiohttp.TickTickMiddleware."
        )
