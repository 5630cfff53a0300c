"""The example about events counts, and warns before a person is needed."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path

from clients import client_of

from requests_ticktick import FileStore, TickTickAuth

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_counts_and_warns(sandbox, tmp_path, clock, monkeypatch, caplog):
    """A sign-on is counted; the mail comes fourteen days before the end."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS / "examples")])
    events = importlib.import_module("events")
    sandbox.expires_in = 180 * 86_400
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock, on_event=events.on_event)
    auth.token()
    clock.advance(166.1 * 86_400)
    for each in (auth, client_of(sandbox, store, clock=clock)):
        each.token()

    assert events.counted == {"signed_on": 1, "saved": 1, "expiring": 1}
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert warning == f"The token in {store.path} expires in 14 days: sign on again."
    assert isinstance(events.auth, TickTickAuth)
