"""Make the pictures of the documentation: ``python docs/pictures``.

Nothing is drawn by hand. A real terminal runs the real commands, and a real
browser shows the pages; TickTick is the sandbox. What differs from one run to
the next, such as a token's fingerprint, is replaced by something fixed, so
that a picture changes only when the program does. The portal's form alone is a
sketch: ``portal.html``.

``tox -e pictures`` installs what this needs, beside Chromium and bash.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pages import blocks_of, page  # noqa: E402 - from tests/support
from screen import Screen  # noqa: E402 - beside this file
from terminal import Terminal  # noqa: E402 - beside this file

from requests_ticktick.sandbox import Sandbox  # noqa: E402 - from this checkout

FOLDER = Path(__file__).parent

#: The ports that the command and the library use by themselves.
PORT, REDIRECT_URI = 8766, "http://127.0.0.1:8765/callback"
API = "https://api.ticktick.com"

SIGN_ON_PAGE = r"http://\S+/oauth/authorize\?\S+"
COUNTDOWN = r"4:5\d left\. Paste: "


@contextmanager
def terminal(columns: int) -> Iterator[Terminal]:
    """Open the terminal of somebody who has an app, and never signed on."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = Sandbox(port=PORT, client_id="my-app", redirect_uri=REDIRECT_URI)
        stack.enter_context(sandbox)
        # The tutorial's program, where TickTick is the sandbox.
        code = blocks_of(page("getting-started"))[0].replace(API, sandbox.url(""))
        (home / "projects.py").write_text(code, encoding="utf-8")
        variables = {
            "TICKTICK_SERVICE": sandbox.url(""),
            "TICKTICK_CLIENT_ID": sandbox.client_id,
            "TICKTICK_CLIENT_SECRET": sandbox.client_secret or "",
            "TICKTICK_REDIRECT_URI": sandbox.redirect_uri,
            "PYTHONPATH": str(ROOT),
        }
        yield stack.enter_context(Terminal(home, columns, variables))


def tutorial(screen: Screen) -> None:
    """Take the pictures of the tutorial, from the portal to an answer."""
    screen.opens((FOLDER / "portal.html").as_uri())
    screen.saves(FOLDER / "portal")
    with terminal(76) as shell:
        shell.types("requests-ticktick login")
        shell.sees(COUNTDOWN)
        shell.saves(FOLDER / "waiting.svg", until=COUNTDOWN)
        screen.opens(shell.sees(SIGN_ON_PAGE)[0])
        screen.saves(FOLDER / "consent")
        screen.clicks("button[value=allow]")
        screen.browser.shows("Access was granted")
        screen.saves(FOLDER / "closing")
        shell.ends()
        shell.saves(FOLDER / "signed-on.svg", since=COUNTDOWN)
        shell.runs("python projects.py")
        shell.runs("requests-ticktick status")
        shell.saves(FOLDER / "answered.svg", since="python projects.py")


def front_page(screen: Screen) -> None:
    """Take the picture of the front page: two runs of three lines."""
    with terminal(76) as shell:
        shell.types("python projects.py")
        screen.opens(shell.sees(SIGN_ON_PAGE)[0])
        screen.clicks("button[value=allow]")
        shell.ends()
        shell.runs("python projects.py")
        shell.runs("requests-ticktick status")
        shell.saves(FOLDER / "first.svg")


def demo() -> None:
    """Take the picture of what the README's first command shows."""
    with terminal(64) as shell:
        shell.runs("requests-ticktick demo")
        shell.saves(FOLDER / "demo.svg")


def main() -> None:
    """Make all of them anew."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        screen = Screen(Path(folder))
        try:
            tutorial(screen)
            front_page(screen)
        finally:
            screen.browser.quits()
    demo()
    for path in sorted(FOLDER.glob("*.[sp][vn]g")):
        print(f"{path.stat().st_size:7,} bytes  {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
