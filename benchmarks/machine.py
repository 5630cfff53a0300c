"""On which machine, by which versions, and when."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from environments import CHECKOUT, PEERS
from figures import Table
from run import MissingError, Run

_VERSIONS = """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version
                  for d in m.distributions()}))
"""

#: What is measured beside the package that an environment is named after.
_ALSO = ("requests", "urllib3", "oauthlib", "filelock", "redis", "msal-extensions")


def tables(run: Run) -> Iterator[Table]:
    table = Table(
        "machine",
        "Where and when",
        "Seconds depend on all of this. The ratios depend on it less.",
        ("What", "Which"),
    )
    table.rows += [
        ("Processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("System", f"{platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("Day", time.strftime("%Y-%m-%d", time.gmtime())),
        ("Commit", _commit()),
    ]
    table.rows += [(peer, _versions(run, peer)) for peer in PEERS]
    yield table


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _commit() -> str:
    git = ("git", "-C", str(CHECKOUT))
    try:
        found = _output(*git, "rev-parse", "--short=10", "HEAD")
        changed = _output(*git, "status", "--porcelain", "requests_ticktick")
    except (OSError, subprocess.CalledProcessError):
        return "not known: there is no repository"
    return found + (", with changes" if changed else "")


def _versions(run: Run, peer: str) -> str:
    try:
        found = json.loads(_output(run.python(peer), "-I", "-c", _VERSIONS))
    except (MissingError, subprocess.CalledProcessError) as error:
        return str(error)
    own = peer.lower().replace("_", "-")
    others = [
        f"{name} {found[name]}" for name in _ALSO if name in found and name != own
    ]
    return ", ".join([found.get(own, "?"), *others])


def _output(*command: str) -> str:
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return found.stdout.strip()
