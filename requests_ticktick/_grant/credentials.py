"""How a client authenticates itself to the endpoints it posts to."""

from __future__ import annotations

import base64
from typing import Any

from requests.auth import HTTPBasicAuth

from .._value import Secret


class Credentials:
    """A client's id and secret, as one method sends them (RFC 6749 2.3).

    :param method: ``client_secret_basic``, ``client_secret_post`` or ``none``.
    :param client_id: RFC 6749 2.2.
    :param client_secret: Required but for ``none``, which does not send it.
    :ivar auth: Puts them on a prepared request.
    :ivar fields: What the form needs of them.
    :ivar withheld: The texts that no message may show.
    """

    def __init__(self, method: str, client_id: str, client_secret: str | None) -> None:
        self.auth: Any = lambda request: request
        self.fields = (
            {} if method == "client_secret_basic" else {"client_id": client_id}
        )
        self.withheld = [client_secret]
        if method == "client_secret_basic":
            assert client_secret is not None  # the caller has required it
            # TickTick expects the base64 of the raw id and secret, not of
            # their form encoding (RFC 6749 2.3.1).
            pair = client_id.encode(), client_secret.encode()
            self.auth = HTTPBasicAuth(*pair)
            self.withheld.append(base64.b64encode(b":".join(pair)).decode())
        if method == "client_secret_post":
            assert client_secret is not None  # the caller has required it
            self.fields["client_secret"] = Secret(client_secret)
