"""What a section is given: how much to measure, and the interpreters."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import OURS, PEERS, Environments, MissingError

__all__ = ["OURS", "MissingError", "Run"]

HERE = Path(__file__).resolve().parent


@dataclass
class Run:
    """One run of the benchmarks.

    :param into: The folder of the tables and plots.
    :param folder: An empty folder for what is needed meanwhile.
    """

    quick: bool
    into: Path
    folder: Path
    environments: Environments

    @property
    def rounds(self) -> int:
        """How often each thing is measured, turn by turn with its floor."""
        return 3 if self.quick else 7

    @property
    def peers(self) -> tuple[str, ...]:
        """The names of all of them, ours first."""
        return tuple(PEERS)

    def each(
        self, script: str, *arguments: object
    ) -> Iterator[tuple[str, dict[str, Any] | str]]:
        """Run a script of ``probes/`` for each peer whose ways it can use.

        :returns: A peer's name, and what was found, or why nothing was.
        """
        for peer in self.peers:
            module = peer.lower().replace("-", "_")
            if not (HERE / "peers" / f"{module}.py").exists():
                continue
            try:
                yield peer, self.probe(peer, script, module, *arguments)
            except MissingError as error:
                yield peer, str(error)

    def python(self, peer: str = OURS) -> str:
        """Return the path of a peer's interpreter.

        :raises MissingError: It could not be installed.
        """
        return self.environments.python(peer)

    def probe(self, peer: str, script: str, *arguments: object, **env: str) -> Any:
        """Run a script of ``probes/`` in a peer's environment.

        :param env: Variables of its environment.
        :returns: What it printed, which is JSON.
        :raises MissingError: The peer is missing, or the script failed.
        """
        path = HERE / "probes" / f"{script}.py"
        command = [self.python(peer), "-I", str(path), *map(str, arguments)]
        found = subprocess.run(
            command, env=clean_environment(**env), capture_output=True, text=True
        )
        if found.returncode:
            reason = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise MissingError(reason[:200])
        return json.loads(found.stdout)


def clean_environment(**env: str) -> dict[str, str]:
    """Return the variables of a process that is measured.

    Nothing of ours is configured in them; and what was compiled is kept.
    """
    return {
        name: value
        for name, value in {**os.environ, **env}.items()
        if name in env or not name.startswith(("PYTHON", "TICKTICK_", "XDG_", "COV_"))
    }
