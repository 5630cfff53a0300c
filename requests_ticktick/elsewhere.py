"""A call to TickTick that gets no token, since it is not to the API."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from .service import NAMES, Service

logger = logging.getLogger("requests_ticktick")

#: Many programs call https://ticktick.com/open/v1, and see a bare 401.
_HOST = r"(?:[\w-]+\.)*(ticktick|dida365)\.com"


class Elsewhere:
    """Tells once a host why no token is sent there.

    Of other hosts nothing is told: a session may call any number of them.

    :param service: Whose API gets the token.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._told: set[str] = set()

    def tell(self, url: str | None) -> None:
        """Log the right address, if this is one of TickTick's that is not."""
        try:
            parts = urlsplit(url or "")
            port = "" if parts.port is None else f":{parts.port}"
        except ValueError:
            return
        host = (parts.hostname or "").rstrip(".")
        match = re.fullmatch(_HOST, host)
        if match is None or host in self._told:
            return
        self._told.add(host)
        api, name = self._service.api_origins[0], match[1]
        other = ""
        if api not in NAMES[name].api_origins:
            other = f", or choose that service: TickTickAuth(service={name.upper()})"
        logger.warning(
            "No token is sent to %s://%s%s, which is not the API that this auth is "
            "for. Call %s/open/v1/... instead%s.",
            parts.scheme,
            parts.hostname,
            port,
            api,
            other,
        )
