"""Together with vcrpy, which records what is sent, for tests that replay it."""

from __future__ import annotations

import pytest
import requests
from optional import library
from people import run
from wire_servers import TOKENS, Answer, Server, knows_tokens

vcr = library("vcr")


@pytest.mark.parametrize("options", [{}, {"filter_headers": ["authorization"]}])
def test_a_cassette_holds_no_token_and_plays_back(secrets, tmp_path, options):
    """It shows ``Bearer ***``, also for a request that was sent again."""
    secrets.add(*TOKENS)
    cassette = tmp_path / "cassette.yaml"
    with Server() as server:
        server.answers += [Answer(401), Answer(200)]
        url = server.url
        with vcr.use_cassette(str(cassette), **options):
            recorded = requests.get(url, auth=knows_tokens(url))

    with vcr.use_cassette(str(cassette), record_mode="none", **options):
        played = requests.get(url, auth=knows_tokens(url))

    assert [recorded.status_code, played.status_code] == [200, 200]
    assert [len(recorded.history), len(played.history)] == [1, 1]
    secrets.check(cassette.read_text())
    assert cassette.read_text().count("Bearer ***") == (0 if options else 2)


LATE = """
import sys
import requests
from requests_ticktick import Service, TickTickAuth
url = {url!r}
service = Service("http://127.0.0.1:9/a", "http://127.0.0.1:9/t", url)
auth = TickTickAuth.from_token("a-late-token", service=service)
print(requests.get(url, auth=auth).status_code)
assert "yaml" not in sys.modules
import vcr
with vcr.use_cassette({cassette!r}):
    print(requests.get(url, auth=auth).status_code)
"""


def test_a_recorder_that_is_imported_late_records_as_well(tmp_path):
    """Plugins of pytest import it for the first test that records."""
    cassette = tmp_path / "cassette.yaml"
    with Server() as server:
        done = run(LATE.format(url=server.url, cassette=str(cassette)))

    assert done.stdout == "200\n200\n", done.stderr
    assert "Bearer ***" in cassette.read_text()
    assert "a-late-token" not in cassette.read_text()
