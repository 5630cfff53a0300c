"""The user at the other end of a loopback connection, where the OS tells."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path
from typing import Any

#: Linux's connection tables. Each line has both addresses and the user id.
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

#: The prefix of an IPv4 address in the second table.
_IPV4_PREFIX = (
    "0000000000000000FFFF0000" if sys.byteorder == "little" else f"{0xFFFF:024X}"
)


def user_at(connection: socket.socket) -> int | None:
    """Return the user id of the process that opened a connection.

    A socket belongs to the user who created it, and no other user can change
    that.

    :returns: ``None`` if the system does not tell. 0 also if the other end was
        closed meanwhile, so that nobody can read a response.
    """
    with contextlib.suppress(OSError):
        theirs, ours = connection.getpeername(), connection.getsockname()
        ends = {
            (f"{prefix}{_table_entry(theirs)}", f"{prefix}{_table_entry(ours)}")
            for prefix in ("", _IPV4_PREFIX)
        }
        for table in TABLES:
            for line in table.read_text().splitlines()[1:]:
                _, local, remote, *fields = line.split()
                if (local, remote) in ends:
                    return int(fields[4])
    return None


def _table_entry(address: tuple[Any, ...]) -> str:
    """Return an address as the tables write it, in native byte order."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    packed = socket.inet_pton(family, address[0])
    words = (packed[i : i + 4] for i in range(0, len(packed), 4))
    text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{text}:{address[1]:04X}"
