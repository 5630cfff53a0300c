"""Listening at a redirect URI."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from people import (
    STATE,
)

QUERY = f"code=abc123&state={STATE}"


def listen(redirect_uri):
    """Bind as the next program would; raises if the port is not free."""
    parts = urlsplit(redirect_uri)
    family = socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((parts.hostname, parts.port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def is_free(redirect_uri):
    try:
        listen(redirect_uri).close()
    except OSError:
        return False
    return True
