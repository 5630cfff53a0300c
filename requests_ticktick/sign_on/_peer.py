"""Who is at the other end of a loopback connection, where the system tells."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path
from typing import Any

#: Linux's tables of connections, each line with both addresses and the user.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

#: What an IPv4 address in the second table begins with.
_MAPPED = "0000000000000000FFFF0000" if sys.byteorder == "little" else f"{0xFFFF:024X}"


def user_at(connection: socket.socket) -> int | None:
    """Return the user id of the process that has made a connection.

    A socket has the user who made it, and no other user can change that.

    :returns: ``None`` where the system does not tell. 0 also where the other
        end was closed meanwhile, and nobody is left to read an answer.
    """
    with contextlib.suppress(OSError):
        theirs, ours = connection.getpeername(), connection.getsockname()
        ends = {
            (f"{prefix}{_in_table(theirs)}", f"{prefix}{_in_table(ours)}")
            for prefix in ("", _MAPPED)
        }
        for table in _TABLES:
            for line in table.read_text().splitlines()[1:]:
                _, local, remote, *fields = line.split()
                if (local, remote) in ends:
                    return int(fields[4])
    return None


def _in_table(address: tuple[Any, ...]) -> str:
    """Return an address as the tables have it, in the machine's order."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    packed = socket.inet_pton(family, address[0])
    words = (packed[i : i + 4] for i in range(0, len(packed), 4))
    text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{text}:{address[1]:04X}"
