"""The warning for calls to a TickTick host that is not the API's."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from ._service import NAMES, Service

logger = logging.getLogger("requests_ticktick")

#: Many programs call https://ticktick.com/open/v1 and get a bare 401.
_TICKTICK_HOST = r"(?:[\w-]+\.)*(ticktick|dida365)\.com"


class WrongHostWarning:
    """Logs, once for each TickTick host, why no token was sent there.

    Other hosts are not mentioned: a session may call any number of them.

    :param service: The service whose API gets the token.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._logged_hosts: set[str] = set()

    def log(self, url: str | None) -> None:
        """Log the API's address if ``url`` is on another TickTick host."""
        try:
            parts = urlsplit(url or "")
            port = "" if parts.port is None else f":{parts.port}"
        except ValueError:
            return
        host = (parts.hostname or "").rstrip(".")
        match = re.fullmatch(_TICKTICK_HOST, host)
        if match is None or host in self._logged_hosts:
            return
        self._logged_hosts.add(host)
        api, name = self._service.api_origins[0], match[1]
        other = ""
        if api not in NAMES[name].api_origins:
            other = f", or choose that service: TickTickAuth(service={name.upper()})"
        logger.warning(
            "No token was sent to %s://%s%s, which is not the API that this auth is "
            "for. Call %s/open/v1/... instead%s.",
            parts.scheme,
            parts.hostname,
            port,
            api,
            other,
        )
