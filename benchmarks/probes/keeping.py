"""Keep a valid token where a peer's first call finds it."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import importlib
import os
from pathlib import Path

if __name__ == "__main__":
    os.umask(0o077)
    importlib.import_module(f"peers.{sys.argv[1]}").keep(Path(sys.argv[2]))
    print("null")
