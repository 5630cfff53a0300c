"""What becomes of the ``Authorization`` header after a redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from requests.sessions import SessionRedirectMixin
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri

from ._header import Bearer

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from ._header import Guard


def prepare_redirect(
    request: PreparedRequest, response: Response, guard: Guard
) -> None:
    """Decide whether the token follows a redirect.

    :param request: What requests copies to follow the redirect.
    :param response: Says where to.
    :param guard: Whether the token may be sent there.
    """
    goes_on = guard[_redirect_target(response)]
    request.headers = HeadersWithBearer(request.headers, goes_on=goes_on)


def _redirect_target(response: Response) -> str | None:
    """Return the URL that ``Session.resolve_redirects`` goes to next."""
    try:
        location = SessionRedirectMixin().get_redirect_target(response)
        return location and urljoin(response.url, requote_uri(location))
    except ValueError:  # requests raises it as well, and follows no further
        return None


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
