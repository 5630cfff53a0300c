"""In a real kernel of Jupyter's, as a notebook runs it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from optional import installed, library

installed("ipykernel")
library("jupyter_client")

from jupyter_client.kernelspec import KernelSpec  # noqa: E402 - after the skip
from jupyter_client.manager import KernelManager  # noqa: E402 - after the skip

CELL = """
from requests_ticktick import *
service = Service({authorization!r}, {token!r}, {api!r})
auth = TickTickAuth(
    {client_id!r}, {client_secret!r}, {redirect_uri!r},
    store=MemoryStore(), service=service, sign_on={sign_on},
)
try:
    print("GOT", auth.token().fingerprint)
except TickTickAuthError as error:
    print(type(error).__name__, error)
print("THE END")
"""


class Notebook:
    """A kernel, and what a front end does with it."""

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.shown = ""
        self.prompts = 0
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(
            argv=[
                *(sys.executable, "-Wignore", "-m", "ipykernel_launcher"),
                *("-f", "{connection_file}", "--transport=ipc"),
            ],
            language="python",
            display_name="Python",
        )
        self.manager.transport = "ipc"
        self.manager.ip = str(folder / "kernel")
        self.manager.start_kernel(
            env={**os.environ, "JUPYTER_RUNTIME_DIR": str(folder)}
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, sign_on, answer, *, allow_stdin=True):
        """Run a cell that needs a token; return what it shows."""
        sandbox = self.sandbox
        service = sandbox.service
        self.shown = ""

        def show(message):
            content = message["content"]
            self.shown += content.get("text", "") + content.get("evalue", "")

        def ask(message):
            self.prompts += 1
            # It is on its way: the kernel has flushed it before it asked.
            while "/oauth/authorize" not in self.shown:
                show(self.client.get_iopub_msg(timeout=60))
            text = answer(self.shown)
            if text is not None:
                self.client.input(text)

        self.client.execute_interactive(
            CELL.format(
                authorization=service.authorization_endpoint,
                token=service.token_endpoint,
                api=list(service.api_origins),
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                redirect_uri=sandbox.redirect_uri,
                sign_on=sign_on,
            ),
            allow_stdin=allow_stdin,
            timeout=60,
            output_hook=show,
            stdin_hook=ask,
        )
        return self.shown

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self.client.context.destroy(linger=0)


@pytest.fixture
def notebook(sandbox):
    # Its sockets' names have to be short.
    with tempfile.TemporaryDirectory() as folder:
        notebook = Notebook(sandbox, Path(folder))
        yield notebook
        notebook.close()


def granted(sandbox):
    """Answer with the address redirected to, in rows as it may be pasted."""

    def answer(shown):
        (url,) = set(re.findall(r"http://\S+/oauth/authorize\S+", shown))
        redirected = sandbox.sign_on(SimpleNamespace(url=url))
        return f"{redirected[:30]} {redirected[30:]}"

    return answer


@pytest.mark.parametrize("sign_on", ["ConsoleSignOn()", "None"])
def test_the_person_is_asked_in_the_notebook(notebook, sandbox, sign_on):
    """By choice, and by default where there is no screen."""
    shown = notebook.run(sign_on, granted(sandbox))

    assert "GOT " in shown
    assert notebook.prompts >= 1


@pytest.mark.parametrize("sign_on", ["ConsoleSignOn()", "None"])
def test_a_notebook_that_a_program_runs_asks_nobody(notebook, sandbox, sign_on):
    """Nbconvert and papermill have nobody to answer."""
    shown = notebook.run(sign_on, granted(sandbox), allow_stdin=False)

    assert "SignOnRequiredError" in shown
    assert notebook.prompts == 0


def test_an_answer_that_never_comes_times_out(notebook):
    """The tab was closed; the kernel goes on."""
    began = time.monotonic()

    shown = notebook.run("ConsoleSignOn(timeout=0.5)", lambda shown: None)

    assert "SignOnTimeoutError" in shown
    assert "THE END" in shown
    assert time.monotonic() - began < 30
