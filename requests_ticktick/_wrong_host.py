"""The warning for calls to a TickTick host that get no token."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from ._service import Service
from ._urls import origin
from ._value import Recent

logger = logging.getLogger("requests_ticktick")

#: Many programs call https://ticktick.com/open/v1 and get a bare 401.
_TICKTICK_HOST = r"(?:[\w-]+\.)*(ticktick|dida365)\.com"
_MCP_HOST = "mcp.ticktick.com"


class WrongHostWarning:
    """Logs, once for each TickTick origin, why no token was sent there.

    Other hosts are not mentioned: a session may call any number of them.

    :param service: The service whose API gets the token.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._logged = Recent[str, bool]()

    def log(self, url: str | None) -> None:
        """Log the API's address if ``url`` is another one of TickTick's."""
        try:
            parts = urlsplit(url or "")
            port = "" if parts.port is None else f":{parts.port}"
        except ValueError:
            return
        host = parts.hostname or ""
        name = _owner_of(host)
        place = f"{parts.scheme}://{host}{port}"
        if name is None or self._logged.recall(place):
            return
        self._logged.note(place, True)
        api = self._service.api_origins[0]
        why, other = "which is not the API that this auth is for", ""
        if origin(place) in map(origin, self._service.api_origins):
            place += parts.path if _is_short(parts.path) else "/..."
            why = f"since it goes only to addresses that plainly begin with {api}"
        elif _constant_of(host) != _constant_of(urlsplit(api).hostname or ""):
            constant = _constant_of(host)
            other = f", or choose that service: TickTickAuth(service={constant})"
        logger.warning(
            "No token was sent to %s, %s. Call %s instead%s.",
            place,
            why,
            _example(api),
            other,
        )


def _owner_of(host: str) -> str | None:
    match = re.fullmatch(_TICKTICK_HOST, host.rstrip("."))
    return match and match[1]


def _constant_of(host: str) -> str | None:
    """Return what the service of one of TickTick's hosts is called here."""
    if host.rstrip(".") == _MCP_HOST:
        return "TICKTICK_MCP"
    owner = _owner_of(host)
    return owner and owner.upper()


def _is_short(path: str) -> bool:
    """Whether a path has no room for an id, and can be shown."""
    return re.fullmatch(r"[/\w.%;\\-]{1,20}", path, re.ASCII) is not None


def _example(api: str) -> str:
    """Return what the API's URLs look like: TickTick's have ``/open/v1``."""
    if api == f"https://{_MCP_HOST}":
        return f"{api}/"
    base = api if api.endswith("/") else f"{api}/open/"
    return f"{base}v1/..." if base.endswith("/open/") else f"{base}..."
