"""The pytest plugin in a run of tests that gevent has patched."""

from __future__ import annotations

from optional import installed

installed("gevent")

#: gevent warns where ssl was imported before.
TESTS = """
import gevent.monkey; gevent.monkey.patch_all()
import requests
from requests_ticktick import TickTickAuth

def test_offline(ticktick_offline):
    url = "https://api.ticktick.com/open/v1/project"
    assert requests.get(url, auth=TickTickAuth(), timeout=30).status_code == 200
"""


def test_gevent_may_patch_first(pytester, monkeypatch):
    """The plugin that pytest imports before has imported no ssl."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess(
        *("-p", "requests_ticktick.pytest_plugin", "-p", "no:cacheprovider"),
        timeout=90,
    )

    assert "MonkeyPatchWarning" not in str(result.stdout)
    result.assert_outcomes(passed=1)
