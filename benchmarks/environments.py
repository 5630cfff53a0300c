"""An environment for each peer, so that none decides on another's versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
OURS = "requests-ticktick"

#: What is installed for each: pip's arguments, in turn. requests is among it
#: everywhere, since each is compared with the floor of its own environment.
PEERS: dict[str, tuple[tuple[str, ...], ...]] = {
    OURS: (),
    "requests-oauthlib": (("requests-oauthlib",),),
    "Authlib": (("authlib", "requests", "httpx2"),),
    "requests_auth": (("requests_auth",),),
    "requests_oauth2client": (("requests_oauth2client",),),
    "google-auth": (("google-auth[requests]", "requests"),),
    "spotipy": (("spotipy",),),
    "msal": (("msal", "msal-extensions", "requests"),),
    "botocore": (("botocore", "requests"),),
    # It pins requests and urllib3 of 2021.
    "ticktick-py": (("requests", "pytz", "regex"), ("--no-deps", "ticktick-py==2.0.3")),
    "pyticktick": (("pyticktick", "requests"),),
    "httpx2": (("httpx2", "requests"),),
}

#: The extras of ours that the sections use.
_EXTRAS = "httpx2,redis,sandbox"


class MissingError(Exception):
    """A peer could not be installed, or a command is not there."""


@dataclass
class Environments:
    """Makes environments below a folder, and uses those that are there."""

    folder: Path
    failures: dict[str, str] = field(default_factory=dict)

    def make(self, names: tuple[str, ...] = tuple(PEERS)) -> None:
        """Make those that are missing, and install ours anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self._make_one, names))

    def python(self, peer: str) -> str:
        """Return the path of a peer's interpreter.

        :raises MissingError: The peer could not be installed.
        """
        if peer in self.failures:
            raise MissingError(self.failures[peer])
        return str(_python_of(self.folder / peer))

    def _make_one(self, name: str) -> None:
        home = self.folder / name
        made, needs = home / "made", _needs(name)
        try:
            if not made.exists() or made.read_text("utf-8") != needs:
                shutil.rmtree(home, ignore_errors=True)
                # By this environment's pip, which saves the time for another.
                _call(sys.executable, "-m", "venv", "--without-pip", str(home))
                for arguments in PEERS[name]:
                    _install(home, *arguments)
                if name == OURS:
                    self._install_ours(home, f"[{_EXTRAS}]")
                made.write_text(needs, encoding="utf-8")
            elif name == OURS:
                self._install_ours(home, "", "--force-reinstall", "--no-deps")
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or str(error)).strip().splitlines()
            self.failures[name] = f"could not be installed ({lines[-1][:120]})"

    def _install_ours(self, home: Path, extras: str, *options: str) -> None:
        """Install a wheel, made of a copy: an old build/ would get into it."""
        copy = self.folder / "checkout"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        shutil.copytree(CHECKOUT / "requests_ticktick", copy / "requests_ticktick")
        for name in ("setup.cfg", "setup.py", "README.rst", "LICENSE"):
            shutil.copy(CHECKOUT / name, copy)
        _install(home, *options, f"{copy}{extras}")


def _needs(name: str) -> str:
    """Return what it is made of. It is made anew where that has changed."""
    needs = f"{sys.version} {PEERS[name]}"
    if name == OURS:
        needs += _EXTRAS + (CHECKOUT / "setup.cfg").read_text("utf-8")
    return needs


def _python_of(home: Path) -> Path:
    if os.name == "nt":
        return home / "Scripts" / "python.exe"
    return home / "bin" / "python"


def _install(home: Path, *arguments: str) -> None:
    pip = (sys.executable, "-m", "pip", "--python", str(_python_of(home)))
    _call(*pip, "install", "--quiet", "--disable-pip-version-check", *arguments)


def _call(*command: str) -> None:
    # The tools that run this may keep bytecode from being written, which
    # would make a benchmark of the compiler of each start.
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
