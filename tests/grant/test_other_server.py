"""The whole flow, of a script, against a server that is not the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys

from other_server import OtherServer
from ports import free_port

SCRIPT = """
import os, requests
from requests_ticktick import Service, TickTickAuth

base = os.environ["BASE"]
session = requests.Session()
session.auth = TickTickAuth(
    service=Service(base + "/authorize", base + "/token", [base])
)
print(session.get(base + "/open/v1/project").json()[0]["name"])
"""


#: The person's: it goes where it is sent, and keeps the last page.
BROWSER = """
import pathlib, sys
import requests
page = requests.get(sys.argv[1], timeout=30).text
pathlib.Path(__file__).with_name("page.html").write_text(page)
"""


def test_a_script_with_three_variables_signs_on_anywhere(tmp_path, secrets):
    """Its listener gets the redirect; the second run asks for nothing."""
    uri = f"http://127.0.0.1:{free_port()}/callback"
    with OtherServer("the-id", "the^(secret)%/!*&~", uri) as it:
        secrets.add(it.client_secret)
        variables = {
            **os.environ,
            "BASE": it.url,
            "TICKTICK_CLIENT_ID": it.client_id,
            "TICKTICK_CLIENT_SECRET": it.client_secret,
            "TICKTICK_REDIRECT_URI": it.redirect_uri,
            "BROWSER": f"{sys.executable} {tmp_path / 'browser.py'} %s",
        }
        (tmp_path / "browser.py").write_text(BROWSER)
        command = [sys.executable, "-c", SCRIPT]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        script = subprocess.run(
            command, env=variables, timeout=60, check=False, **options
        )

        assert (script.stdout, script.returncode) == ("Inbox\n", 0), script.stderr
        page = (tmp_path / "page.html").read_text()
        assert "close this tab" in page
        again = subprocess.run(command, env=variables, check=True, **options)
        assert again.stdout == "Inbox\n"
        assert again.stderr == ""
        assert (it.granted, it.problems) == (1, [])
