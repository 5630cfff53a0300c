"""What each request pays for its token: calls and memory, counted."""

import sys
import time
import tracemalloc

import pytest
import requests

from requests_ticktick import FileStore, MemoryStore, TickTickAuth, Token

#: Bytes that one request may need: a list with room for four hooks.
REQUEST_BYTES = 128


@pytest.fixture(params=["memory", "file", "default"])
def auth(request, tmp_path):
    token = Token("tp_0123456789", expires_at=time.time() + 1e6)
    store = {
        "memory": MemoryStore(),
        "file": FileStore(tmp_path / "t.json"),
        "default": None,
    }[request.param]
    (store or FileStore()).save(token)
    auth = TickTickAuth(store=store)
    auth.token()
    return auth


def prepared():
    url = "https://api.ticktick.com/open/v1/project"
    return requests.Request("GET", url).prepare()


def calls(of, *args, **kwargs):
    """Return the names of all functions that are called, C functions too."""
    names = []

    def note(frame, event, called):
        if event == "call":
            names.append(frame.f_code.co_name)
        elif event == "c_call":
            names.append(called.__name__)

    sys.setprofile(note)
    try:
        of(*args, **kwargs)
    finally:
        sys.setprofile(None)
    return names[:-1]  # the last one ends the count


def test_a_fresh_token_costs_two_looks_at_the_clock(auth):
    """No lock, no file, no system call but the clocks, which need none."""
    request = prepared()
    auth(request)
    request.hooks["response"].clear()

    found = calls(auth, request)

    assert found[:2] == ["__call__", "token"]
    assert found[2:4] == ["time", "monotonic"]
    # The header is set by Python code of requests and the standard library.
    assert set(found[4:]) <= {"__setitem__", "lower", "append"}


def test_a_good_answer_costs_one_call(auth, monkeypatch):
    """The response hook looks at the status, and calls nothing."""
    # A program that records its requests has this, and pays a little more.
    monkeypatch.delitem(sys.modules, "yaml.representer", raising=False)
    response = requests.Response()
    response.status_code = 200
    response.request = auth(prepared())
    hook = response.request.hooks["response"][0]

    assert calls(hook, response, timeout=None, verify=True) == ["__call__"]


def test_requests_allocate_next_to_nothing_and_keep_nothing(auth):
    """The header and the hook are made once for each token."""
    request = auth(prepared())
    hooks = request.hooks["response"]
    auth(request)

    def step():
        hooks.clear()
        auth(request)

    for _ in range(3000):  # Python's own caches are made
        step()
    tracer = sys.gettrace()
    sys.settrace(None)  # that of coverage allocates
    tracemalloc.start()
    try:
        step()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(1000):
            step()
        after, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        sys.settrace(tracer)

    assert after - before < 1000  # not a byte for each
    assert most - before <= REQUEST_BYTES
