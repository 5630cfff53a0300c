"""The command as a whole: how it starts, explains itself and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shell import ROOT, Shell

import requests_ticktick
from requests_ticktick import FileStore, Token

COMMANDS = [
    *("demo", "login", "status", "token", "exec", "logout"),
    *("accounts", "import", "doctor", "sandbox"),
]

#: ``token``, and then the modules that it has imported.
TOKEN_IMPORTS = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv[1:] = ["token"]
from requests_ticktick._cli import main
main()
"""

#: What other commands, and other stores, need.
NOT_FOR_TOKEN = {
    "flask",
    "http.server",
    "keyring",
    "oauthlib",
    "redis",
    "rich.console",
    "webbrowser",
    "werkzeug",
}

#: ``main``, with one of its libraries missing.
WITHOUT = """
import sys
sys.modules[{library!r}] = None
from requests_ticktick._cli import main
main()
"""


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def run_main(library, **env):
    path = os.pathsep.join([*filter(None, [env.get("PYTHONPATH")]), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(library=library)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("library", ["click", "rich"])
def test_a_missing_library_is_an_error_that_names_the_extra(library):
    """A plain installation lacks them: one line says what to install."""
    done = run_main(library)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "requests-ticktick's command line needs: "
        "python -m pip install 'requests-ticktick[cli]'\n"
    )


def test_a_broken_library_is_not_mistaken_for_a_missing_one(tmp_path):
    """The error names the module that the library itself fails to import."""
    (tmp_path / "rich.py").write_text("import not_there_at_all")

    done = run_main("unrelated", PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.endswith("No module named 'not_there_at_all'\n")


def test_token_imports_nothing_that_only_other_commands_need():
    """Scripts run it before each call of curl, so it has to start fast."""
    done = subprocess.run(
        [sys.executable, "-c", TOKEN_IMPORTS],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TICKTICK_TOKEN": "tp_a_token"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "tp_a_token\n"
    modules = set(done.stderr.split())
    assert "requests_ticktick._cli.program" in modules
    assert modules & NOT_FOR_TOKEN == set()


def test_version_prints_the_version_of_the_package(shell):
    """``--version`` needs no configuration."""
    done = shell.run("--version")

    assert requests_ticktick.__version__ in done.stdout


def test_the_installed_command_and_the_module_are_the_same(shell):
    """``requests-ticktick`` and ``python -m requests_ticktick``."""
    command = shutil.which("requests-ticktick", path=Path(sys.executable).parent)
    assert command is not None

    done = subprocess.run(
        [command, "--help"], capture_output=True, text=True, timeout=60, check=True
    )

    lines = done.stdout.splitlines()[1:]
    assert lines == shell.run("--help").stdout.splitlines()[1:]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(shell, command):
    """The help fits into 80 columns, and ends with examples to copy."""
    overview = shell.run("-h").stdout
    done = shell.run(command, "--help")

    assert done.returncode == 0
    assert f"\n  {command} " in overview
    examples = done.stdout.partition("  Examples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith("    ") for line in examples)
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "  Exit statuses:\n" in done.stdout


def test_an_error_is_one_line_without_colours(shell):
    """In a pipe, an error is plain text and no traceback."""
    done = shell.run("token", env={"TICKTICK_TOKEN": "{broken"})

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(
        "Error: The environment variable TICKTICK_TOKEN holds no token"
    )
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("no_color", [None, "1"])
def test_an_error_is_red_at_a_terminal(shell, no_color):
    """Unless NO_COLOR is set."""
    with shell.at_terminal("token", env={"NO_COLOR": no_color}) as running:
        assert running.ends() == 1

    assert ("\x1b[31m" in running.shown) is (no_color is None)
    assert "There is no token in $TICKTICK_TOKEN and " in running.shown


def test_warnings_of_the_library_are_shown(shell):
    """A person learns that the next sign-on will replace a torn file."""
    path = Path(shell.store.path)
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text('{"access_tok')
    path.chmod(0o600)

    done = shell.run("status")

    assert done.returncode == 1
    assert done.stderr.startswith(f"Warning: {path} holds the beginning of a token")
    assert path.read_text() == '{"access_tok'


def test_ctrl_c_ends_a_sign_on(shell):
    """The exit status is the one that shells use."""
    with shell.start("login", "--no-browser") as running:
        running.sees("Waiting for the browser")
        running.interrupt()

        assert running.ends() == 128 + signal.SIGINT

    assert running.shown.endswith("\nInterrupted.\n")
    assert "Traceback" not in running.shown


def test_ctrl_c_ends_a_question(shell):
    """Ctrl-C also works while a person is typing a line."""
    env = {"TICKTICK_CLIENT_ID": None}
    with shell.at_terminal("login", env=env) as running:
        running.sees("Client id: ")
        time.sleep(0.5)  # as a person; readline is deaf while it gets ready

        assert running.ends_at_ctrl_c() == 128 + signal.SIGINT

    assert "Traceback" not in running.shown


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(
            ["--service", "todoist"],
            "none of ticktick, dida365, nor the address of a running",
            id="another service",
        ),
        pytest.param(
            ["--service", "http://192.0.2.1:8766"],
            "none of ticktick",
            id="an address elsewhere",
        ),
        pytest.param(
            ["--service", "http://127.0.0.1:8766/open"], "none of", id="a path"
        ),
        pytest.param(
            ["--service", "http://127.0.0.1:x"], "none of", id="an invalid port"
        ),
        pytest.param(
            ["--profile", "a", "--file", "b"],
            "--profile and --file exclude each other",
            id="two places",
        ),
        pytest.param(
            ["--profile", "../a"],
            "A profile is letters, digits",
            id="an invalid profile",
        ),
        pytest.param(
            ["--client-secret-file", "absent"],
            "absent: No such file or directory",
            id="no file",
        ),
        pytest.param(
            ["--client-secret-file", "two-words"],
            "two-words: it does not hold one line with a client secret",
            id="no secret",
        ),
        *(
            pytest.param(
                ["--client-secret-file", name],
                f"{name}: it does not hold one line with a client secret",
                id=name,
            )
            for name in ("binary", "no-bom", "latin")
        ),
    ],
)
def test_an_invalid_option_is_refused(shell, arguments, problem):
    """The error says which option and why, and quotes no file."""
    (shell.folder / "two-words").write_text("two words")
    (shell.folder / "binary").write_bytes(b"\xff\xfe\x00")
    (shell.folder / "no-bom").write_bytes("a-secret".encode("utf-16-le"))
    (shell.folder / "latin").write_bytes(b"a-secret\xe9")

    done = shell.run("status", *arguments)

    assert done.returncode == 2
    assert problem in " ".join(done.stderr.split())
    assert "two words" not in done.stderr


def test_the_service_may_be_typed_in_any_case(shell):
    """In an option, or in a variable with the quotes of a ``.env`` file."""
    for arguments, env in (
        (["--service", "Dida365"], {}),
        ([], {"TICKTICK_SERVICE": "'Dida365'\r"}),
    ):
        done = shell.run("status", *arguments, env=env)

        assert "Run: requests-ticktick login --service dida365" in done.stdout


def test_the_next_command_repeats_the_options_of_this_one(shell):
    """It can be copied from the error message as it is."""
    env = {"TICKTICK_SERVICE": None}

    for options in (["--profile", "work"], ["--file", "a b.json"]):
        done = shell.run("token", *options, env=env)
        shown = done.stderr.replace("'", "").strip()
        assert shown.endswith(f"Run: requests-ticktick login {' '.join(options)}")


def test_a_profile_is_a_file_of_its_own(shell):
    """``--profile`` is ``FileStore(profile=...)``. TICKTICK_TOKEN is not read."""
    FileStore(profile="work").save(Token("of_the_work_profile"))
    env = {"TICKTICK_TOKEN": "of_the_environment"}

    done = shell.run("token", "--profile", "work", env=env, prints_secrets=True)

    assert done.stdout == "of_the_work_profile\n"
