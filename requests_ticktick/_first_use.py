"""The first use of a token that a client which registered itself has got."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._portal import register_by_hand
from ._replay import ResponseHook

if TYPE_CHECKING:
    from requests import Response

    from ._auth import TickTickAuth
    from ._service import Service
    from ._token import Token

logger = logging.getLogger("requests_ticktick")

#: Seconds after its issue in which a refusal says that a token never worked.
_RECENT_SECONDS = 600.0


class FirstUse(ResponseHook):
    """Explains the refusal of a token that was granted a moment ago.

    TickTick gives tokens to clients that registered themselves, which its MCP
    server accepts. Whether its Open API does is not documented. To ask the
    person again would be in vain.
    """

    __slots__ = ("_has_worked", "_is_told", "_service")

    def __init__(self, auth: TickTickAuth, token: Token, service: Service) -> None:
        super().__init__(auth, token)
        self._service = service
        self._has_worked = self._is_told = False

    def __call__(self, response: Response, **kwargs: Any) -> Response:
        if self._is_answer_of_api(response) and self.stands(response.status_code):
            return response
        return super().__call__(response, **kwargs)

    def stands(self, status: int) -> bool:
        """Whether the API refused a client's first token, which is logged."""
        if self._has_worked:
            return False
        self._has_worked = 200 <= status < 300
        if status not in (401, 403) or not self._is_recent():
            return False
        if not self._is_told:
            self._is_told = True
            logger.warning(
                "The API answered %d to a token that it has just granted to a client "
                "which registered itself: the API may not accept such clients. %s",
                status,
                register_by_hand(self._service),
            )
        return True

    def _is_answer_of_api(self, response: Response) -> bool:
        request = response.request
        return request.headers.get("Authorization") == self.header and (
            self._service.is_api_url(request.url)
        )

    def _is_recent(self) -> bool:
        issued_at = self.token.issued_at or 0.0
        return abs(self.auth.source.clock.time() - issued_at) < _RECENT_SECONDS
