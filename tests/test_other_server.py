"""The whole flow, of a script, against a server that is not the sandbox."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import requests
from other_server import OtherServer

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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


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
            "DISPLAY": ":99",  # a person might be here, though no browser is
            "PATH": str(tmp_path),
        }
        command = [sys.executable, "-c", SCRIPT]
        script = subprocess.Popen(
            command, env=variables, stdout=-1, stderr=-1, text=True, stdin=-3
        )
        # The person: reads the URL from the terminal, opens it elsewhere.
        shown = []
        for line in script.stderr:
            shown.append(line)
            if it.url in line:
                break
        url = next(word for word in shown[-1].split() if word.startswith(it.url))
        page = requests.get(url, timeout=30)
        out, err = script.communicate(timeout=60)

        assert "close this tab" in page.text
        assert (out, script.returncode) == ("Inbox\n", 0), "".join(shown) + err
        again = subprocess.run(
            command, env=variables, capture_output=True, text=True, check=True
        )
        assert again.stdout == "Inbox\n"
        assert again.stderr == ""
        assert (it.granted, it.problems) == (1, [])
