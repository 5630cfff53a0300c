"""The wheel works from an empty environment, on every Python that is here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).with_name("extras.py")


def pythons() -> list[str]:
    """Every CPython from 3.10 on that is on the PATH and answers, once a version."""
    if "DIST_FOLDER" not in os.environ:
        return [sys.executable]  # the test is skipped
    code = "import sys, sysconfig as s; print(*sys.version_info[:2], s.get_config_var"
    code += "('Py_GIL_DISABLED') or 0)"
    found: dict[str, str] = {}
    for folder in os.get_exec_path():
        for path in sorted(Path(folder).glob("python3.*")):
            if not re.fullmatch(r"python3\.\d+t?(\.exe)?", path.name):
                continue
            done = subprocess.run([path, "-c", code], capture_output=True, text=True)
            # pyenv has a name for each version, most of which do not work.
            if done.returncode == 0 and int(done.stdout.split()[1]) >= 10:
                found.setdefault(done.stdout, str(path))
    return sorted(found.values())


@pytest.fixture
def wheel() -> Path:
    """What is published."""
    folder = os.environ.get("DIST_FOLDER")
    if folder is None:
        pytest.skip('"tox -e dist" builds the distributions and runs this')
    (path,) = Path(folder).glob("*.whl")
    return path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("python", pythons(), ids=os.path.basename)
def test_the_wheel_works_from_an_empty_environment(
    wheel: Path, python: str, tmp_path: Path
) -> None:
    """Alone, and then with what the demo needs; not a file is from the checkout."""
    place = tmp_path / "empty"
    subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
    folder = place / ("Scripts" if os.name == "nt" else "bin")
    env = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    } | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def runs(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=tmp_path, env=env)

    def installs(what: str) -> None:
        pip = (sys.executable, "-m", "pip", "--python", folder / "python")
        runs(*pip, "install", "--quiet", what)

    installs(str(wheel))
    runs(folder / "python", CHECK, "core")
    installs(f"{wheel}[cli,sandbox]")
    runs(folder / "requests-ticktick", "demo")
