"""The plugin in runs of pytest that are somebody else's."""

from __future__ import annotations

import pytest

PLUGIN = "requests_ticktick.pytest_plugin"

#: A test of a program, as a user has it.
TESTS = """
import os, sys
import pytest, requests
from requests.adapters import HTTPAdapter
from requests_ticktick import TickTickAuth

URL = "https://api.ticktick.com/open/v1/project"
SEND, PATH = HTTPAdapter.send, os.environ.get("PYTHONPATH")

def main():
    return requests.get(URL, auth=TickTickAuth(), timeout=30)

def test_a_sandbox(ticktick_sandbox, ticktick_session):
    assert ticktick_sandbox.sign_ons == 0
    url = ticktick_sandbox.url("/open/v1/project")
    assert ticktick_session.get(url, timeout=30).status_code == 200
    assert ticktick_sandbox.sign_ons == 1

@pytest.mark.parametrize("number", range(4))
def test_offline(ticktick_offline, number):
    assert ticktick_offline.api_calls == 0
    assert main().status_code == 200
    assert ticktick_offline.api_calls == 1

def test_a_patch_of_the_same(ticktick_offline, monkeypatch):
    monkeypatch.setattr(HTTPAdapter, "send", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main()

def test_a_test_that_fails(ticktick_offline):
    assert main().status_code == 404

def test_without(tmp_path):
    assert os.environ.get("PYTHONPATH") == PATH
    assert not [name for name in os.environ if name.startswith("TICKTICK_")]
    assert HTTPAdapter.send is SEND or HTTPAdapter.send.__name__ == "send_offline"
    assert not [f for f in sys.meta_path if type(f).__name__ == "Offline"]
"""

#: It asserts what a run of tests has imported that uses nothing of ours.
UNUSED = """
import sys

def test_nothing_of_it_is_imported():
    ours = {name for name in sys.modules if name.startswith("requests_ticktick")}
    known = {"requests_ticktick", "requests_ticktick._lazy"}
    assert ours == {*known, "requests_ticktick.pytest_plugin"}
    assert not {"requests", "urllib3", "http.client", "flask", "ssl"} & {*sys.modules}
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run tests in a process of their own, with this plugin and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def made(tests, *options):
        pytester.makepyfile(tests)
        return pytester.runpytest_subprocess(
            *("-p", PLUGIN, "-p", "no:cacheprovider", "-W", "error", *options),
            timeout=90,
        )

    return made


def test_a_run_that_does_not_use_it_imports_nothing(run):
    """Pytest imports the module in every run of the environment."""
    run(UNUSED).assert_outcomes(passed=1)


def test_its_fixtures_end_with_the_test(run):
    """Whether it passes or fails, and whatever it has patched."""
    result = run(TESTS)

    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*assert 200 == 404*"])


def test_it_works_under_xdist(run):
    """Each worker has sandboxes of its own."""
    result = run(TESTS, "-p", "xdist", "-n", "2")

    result.assert_outcomes(passed=7, failed=1)


def test_pytest_says_what_they_are(run):
    """``pytest --fixtures`` is where people look."""
    result = run(TESTS, "--fixtures")

    for name in ("sandbox", "session", "offline"):
        result.stdout.fnmatch_lines([f"ticktick_{name} -- *", "    [A-Z]*."])
