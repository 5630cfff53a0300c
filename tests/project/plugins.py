"""Have HTTPie install the wheel as its users do, and use it.

Run by ``tox -e dist``, with the folder of the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TOKEN = "tp_0123456789"
URL = "https://api.ticktick.com/open/v1/project"


def main(folder: str) -> None:
    """Install HTTPie alone, then the wheel by HTTPie."""
    (wheel,) = Path(folder).resolve().glob("*.whl")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch, "venv")
        venv.create(place, with_pip=True)
        scripts = place / ("Scripts" if os.name == "nt" else "bin")
        # What HTTPie installs goes below its configuration.
        environment = {**os.environ, "HTTPIE_CONFIG_DIR": str(Path(scratch, "httpie"))}
        environment.pop("PYTHONPATH", None)

        def run(name: str, *arguments: str, **variables: str) -> str:
            result = subprocess.run(
                [str(scripts / name), *arguments],
                env={**environment, **variables},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            return result.stdout

        run("python", "-m", "pip", "install", "--quiet", "httpie")
        run("httpie", "plugins", "install", str(wheel))
        options = ("--ignore-stdin", "--offline", "-A", "ticktick", URL)
        shown = run("http", *options, TICKTICK_TOKEN=TOKEN)
    assert f"Authorization: Bearer {TOKEN}" in shown, shown
    print(f"{wheel.name}: works as a plugin that HTTPie has installed")


if __name__ == "__main__":
    main(sys.argv[1])
