"""What becomes of the token's file if its writer is killed, or it is read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

from figures import Figure, Table
from run import OURS, MissingError, Run

#: Those that keep tokens in a file, and how they write it.
_WRITERS = {
    OURS: "FileStore",
    "requests_auth": "JsonTokenFileCache",
    "spotipy": "CacheFileHandler",
    "msal": "PersistedTokenCache",
    "ticktick-py": "CacheHandler",
}


def tables(run: Run) -> Iterator[Table]:
    if not hasattr(os, "fork"):
        raise MissingError("no process can be forked here")
    kills, rounds = (40, 3) if run.quick else (300, 7)
    table = Table(
        "writing",
        "Killed writers, and readers beside a writer",
        f"A process saves without a pause, and is killed (SIGKILL) at a random moment, "
        f"{kills} times. Temporary files: how many there are then, after the next "
        "save, and after one a minute later; a lock that is left taken has to be "
        "removed by hand. Torn reads: those that found no token "
        "while another process saved without a pause.",
        (
            "Package",
            "Writes by",
            f"Unreadable files of {kills}",
            "Locks left taken",
            "Temporary files",
            "After a save",
            "After a minute",
            "Torn reads",
            "Reads",
        ),
    )
    for package, writer in _WRITERS.items():
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            try:
                found: dict[str, Any] = run.probe(
                    package, "writes", package, folder, kills, rounds, 0.2
                )
            except MissingError as error:
                table.rows.append((package, str(error), *[""] * 7))
                continue
        pairs = zip(found["torn"], found["reads"], strict=True)
        table.rows.append(
            (
                package,
                writer,
                str(found["unreadable"]),
                str(found["locked"]),
                *map(str, found["left"]),
                Figure.of((100 * torn / reads for torn, reads in pairs), "%"),
                f"{sum(found['reads']):,}",
            )
        )
    yield table
