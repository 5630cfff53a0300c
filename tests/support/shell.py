"""A shell that runs commands, and a person at it, for tests."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

from requests_ticktick import FileStore
from requests_ticktick.sandbox import SandboxSignOn

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "requests_ticktick")
SECONDS = 60

#: Runs a command in a new terminal, which closes when this ends. The command is
#: told of that, also where the tests were started by nohup.
AT_TERMINAL = """
import os, pty, signal, sys
if hasattr(signal, "SIGHUP"): signal.signal(signal.SIGHUP, signal.SIG_DFL)
status = os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:]))
sys.exit(status if status >= 0 else 128 - status)
"""

#: A browser whose user grants every request for access.
BROWSER = f"""\
#!{sys.executable}
import sys, urllib.request
from types import SimpleNamespace
from requests_ticktick.sandbox import SandboxSignOn
sys.path.insert(0, {str(ROOT)!r})
url = SandboxSignOn()(SimpleNamespace(url=sys.argv[1]))
urllib.request.urlopen(url).read()
"""


def with_closed(descriptor, command):
    """Return a command that runs another one with one of its streams closed.

    A Python that did so would open coverage's file in the stream's place.
    """
    return ["/bin/sh", "-c", f'exec "$@" {descriptor}>&-', "sh", *command]


def clipboard_tool(folder, code, name="xclip"):
    """Install a clipboard tool; return the variables that lead to it."""
    path = folder / name
    path.write_text(code)
    path.chmod(0o755)
    return {"PATH": str(folder), "DISPLAY": ":99"}


class Shell:
    """Runs commands, with variables that lead to a sandbox."""

    def __init__(self, sandbox, secrets, monkeypatch, tmp_path):
        self.sandbox = sandbox
        self.secrets = secrets
        self.folder = tmp_path
        self.variables = {
            "TICKTICK_SERVICE": sandbox.url(""),
            "TICKTICK_CLIENT_ID": sandbox.client_id,
            "TICKTICK_CLIENT_SECRET": sandbox.client_secret,
            "TICKTICK_REDIRECT_URI": sandbox.redirect_uri,
            "COLUMNS": "80",
        }
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
        monkeypatch.delenv("NO_COLOR", raising=False)
        secrets.watch(self.tokens_in_play)

    @property
    def store(self):
        """The file that a program reads if it names no store."""
        return FileStore()

    def browser(self):
        """Return the variables with which a browser opens and grants access."""
        path = self.folder / "browser"
        path.write_text(BROWSER)
        path.chmod(0o755)
        return {"BROWSER": f"{path} %s"}

    def tokens_in_play(self):
        headers = [r.headers for r in self.sandbox.received if r.endpoint == "api"]
        return {h.get("Authorization", "").removeprefix("Bearer ") for h in headers}

    def environment(self, env):
        values = {**os.environ, **self.variables, **env}
        return {name: value for name, value in values.items() if value is not None}

    def run(self, *arguments, env=(), prints_secrets=False, **options):
        """Run a command to its end, without a terminal."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(dict(env)),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            cwd=self.folder,
            **{"stdin": subprocess.DEVNULL, **options},
        )
        self.secrets.check(done.stderr)
        if not prints_secrets:
            self.secrets.check(done.stdout)
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments, env=()):
        """Start a command without a terminal."""
        return Running([*COMMAND, *arguments], self.environment(dict(env)), self.folder)

    def at_terminal(self, *arguments, env=()):
        """Start a command at a terminal."""
        command = [sys.executable, "-c", AT_TERMINAL, *COMMAND, *arguments]
        return Running(command, self.environment(dict(env)), self.folder)


def interrupt(process, number=signal.SIGINT):
    """Interrupt a program until it ends, as a person presses Ctrl-C again.

    Python loses a KeyboardInterrupt that it raises while it clears up after an
    object: "Exception ignored in", it says, and goes on.
    """
    while process.poll() is None:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


class Running:
    """A running command: what it shows, and what is typed into it."""

    def __init__(self, command, env, folder):
        self.shown = ""
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while part := self.process.stdout.read(4096):
            with self._changed:
                self.shown += part.decode().replace("\r\n", "\n")
                self._changed.notify_all()

    def sees(self, pattern):
        """Wait until text that matches is shown; return the match."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: re.search(pattern, self.shown), timeout=SECONDS
            )
        assert found, self.shown
        return found

    def types(self, text):
        self.process.stdin.write(text.encode())

    def grants(self):
        """Grant access at the address shown; return the redirected URL."""
        url = self.sees(r"https?://\S+/oauth/authorize\?\S+")[0]
        return SandboxSignOn()(SimpleNamespace(url=url))

    def interrupt(self, number=signal.SIGINT):
        interrupt(self.process, number)

    def ends_at_ctrl_c(self):
        """Press Ctrl-C as a person does: again where it was not heard.

        readline is deaf while it gets ready. Returns the exit status.
        """
        while self.process.poll() is None:
            self.types("\x03")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        return self.ends()

    def loses_its_terminal(self):
        """Close the window of a command that was started at a terminal."""
        self.process.kill()
        self._reader.join(SECONDS)

    def ends(self):
        """Wait until the command ends; return the exit status as shells have it.

        Where a KeyboardInterrupt passes through code that Python runs from
        text, as dataclasses and named tuples do, Python ends itself by SIGINT
        in the end, whatever the status was to be. A shell says 130 to both.
        """
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status if status >= 0 else 128 - status

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.process.kill()
        self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()
