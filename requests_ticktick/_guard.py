"""Which URLs may have the token, remembered: the same are called again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._service import Service

#: URLs that are remembered. A program that calls more of them starts anew.
_MAX_URLS = 64


class Guard(dict["str | None", bool]):
    """Says of a URL whether the token may be sent there: ``guard[url]``.

    A look into a dict costs less than a look at a URL's path.

    :param service: The service whose API gets the token.
    """

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def __missing__(self, url: str | None) -> bool:
        if len(self) >= _MAX_URLS:
            self.clear()
        self[url] = decision = self._service.is_api_url(url)
        return decision

    def __reduce__(self) -> tuple[Any, ...]:
        return Guard, (self._service,)  # a pickle keeps no URLs
