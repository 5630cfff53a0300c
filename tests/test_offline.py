"""``ticktick_offline``: a program as it is, and a sandbox in TickTick's place."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest
import requests
from requests.adapters import HTTPAdapter

from requests_ticktick import (
    DIDA365,
    FileStore,
    SignOnRequiredError,
    TickTickAuth,
    Token,
)
from requests_ticktick._offline import Offline, run_hidden
from requests_ticktick.pytest_plugin import ticktick_offline as ticktick_offline

URL = "https://api.ticktick.com/open/v1/project"

#: Somebody's program. It knows of no sandbox.
PROGRAM = f"""\
import requests
from requests_ticktick import TickTickAuth

def main():
    with requests.Session() as session:
        session.auth = TickTickAuth()
        return session.get({URL!r}, timeout=30)

if __name__ == "__main__":
    print(main().status_code)
"""
#: As a module of the program has it, made before any fixture.
EARLY = requests.Session()


@pytest.fixture
def personal(request, monkeypatch):
    """What a developer's shell may have."""
    monkeypatch.setenv("TICKTICK_TOKEN", "tp_mine")
    monkeypatch.setenv("TICKTICK_PROFILE", "mine")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("TICKTICK_SERVICE", getattr(request, "param", "ticktick"))


@pytest.fixture(autouse=True)
def watched(personal, ticktick_offline, secrets):
    """No secret of the sandbox is in a log."""
    secrets.watch(lambda: ticktick_offline.secrets)
    yield
    EARLY.close()


@pytest.fixture
def program():
    """The program, in this process."""
    names = {"__name__": "program"}
    exec(PROGRAM, names)
    return names["main"]


def run(*arguments, **options):
    """Run Python; return what it says."""
    command = [sys.executable, *arguments]
    options = {"timeout": 60, "capture_output": True, "text": True, **options}
    result = subprocess.run(command, check=False, **options)
    return result.stdout.strip() or result.stderr


def test_a_program_calls_the_sandbox(ticktick_offline, program):
    """With a token that was there; the response looks like TickTick's."""
    response = program()

    assert response.status_code == 200
    assert response.url == response.request.url == URL
    assert ticktick_offline.api_calls == 1
    assert ticktick_offline.sign_ons == ticktick_offline.token_requests == 0


def test_a_session_of_before_does_as_well(ticktick_offline):
    """It is the adapters that send elsewhere."""
    assert EARLY.get(URL, auth=TickTickAuth(), timeout=30).status_code == 200
    with requests.Session() as session:
        session.auth = TickTickAuth()
        session.proxies["https"] = "http://127.0.0.1:1"
        session.cert = "/there/is/none.pem"
        posted = session.post(
            "https://api.ticktick.com:443/open/v1/project",
            json={"name": "New"},
            headers={"Host": "api.ticktick.com"},
            timeout=30,
        )
    assert posted.status_code == 200
    assert posted.request.headers["Host"] == "api.ticktick.com"


def test_what_goes_wrong_is_what_the_sandbox_does(ticktick_offline, program):
    """And nobody is asked for another token."""
    ticktick_offline.fail(1, 503, endpoint="api")
    assert program().status_code == 503

    ticktick_offline.revoke_all()
    assert program().status_code == 401
    with pytest.raises(SignOnRequiredError):
        TickTickAuth().sign_on(force=True)


def test_a_sign_on_of_the_program_can_be_granted(ticktick_offline):
    """By whoever stands in for the person; endpoints are the sandbox's too."""
    ticktick_offline.revoke_all()
    with requests.Session() as session:
        session.auth = TickTickAuth(sign_on=ticktick_offline.sign_on)

        assert session.get(URL, timeout=30).status_code == 200
        assert session.auth.revoke()

    assert ticktick_offline.sign_ons == 1
    assert ticktick_offline.revocation_requests == 1


@pytest.mark.parametrize("personal", ["dida365"], indirect=True)
def test_a_program_for_dida365(ticktick_offline):
    """Its token is for the service that the variable names."""
    url = "https://api.dida365.com/open/v1/project"

    assert requests.get(url, auth=TickTickAuth(), timeout=30).status_code == 200
    assert TickTickAuth().begin_sign_on().redirect_uri == DIDA365.default_redirect_uri


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a-secret",
        "http://api.ticktick.com/a-secret",
        "https://api.ticktick.com:8443/a-secret",
        "https://api.ticktick.com.example.org/a-secret",
        "https://notticktick.com/a-secret",
        "https://127.0.0.1.example.org/a-secret",
        "https://127.example.org/a-secret",
        "https://me:a-secret@example.org/",
        "http://10.0.0.1/a-secret",
    ],
)
def test_any_other_host_is_refused(ticktick_offline, url):
    """As a network that is down, in words of its own."""
    with pytest.raises(requests.ConnectionError, match="ticktick_offline") as raised:
        EARLY.get(url, timeout=30)

    assert "a-secret" not in str(raised.value)
    assert ticktick_offline.received == []


def test_this_machine_is_reached(ticktick_offline):
    """A program may have servers of its own here."""
    assert requests.get(ticktick_offline.url("/"), timeout=30).status_code == 200
    local = ticktick_offline.url("/").replace("127.0.0.1", "localhost")
    assert requests.get(local, timeout=30).status_code == 200


def test_threads_call_the_sandbox(ticktick_offline, program):
    """All of them."""
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(program().status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [200] * 8
    assert ticktick_offline.api_calls == 8


def test_a_process_calls_the_sandbox(ticktick_offline, tmp_path):
    """A program that is started; and what that starts."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    starter = f"import subprocess as s, sys; s.run([sys.executable, {str(script)!r}])"

    assert run(str(script)) == "200"
    assert run("-c", starter) == "200"
    assert ticktick_offline.api_calls == 2
    assert "ticktick_offline" in run("-c", "import requests as r; r.get('https://a.b')")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_worker_calls_the_sandbox(ticktick_offline, method):
    """However it is started."""
    context = multiprocessing.get_context(method)

    with context.Pool(1) as pool:
        assert pool.apply(call) == 200


def call():
    """Call TickTick, in a worker."""
    return requests.get(URL, auth=TickTickAuth(), timeout=30).status_code


def test_a_process_that_starts_imports_no_client(ticktick_offline):
    """Gevent has to come before ssl."""
    imported = run("-c", "import sys; print(*sys.modules)").split()

    assert "sitecustomize" in imported
    assert not {"requests", "requests_ticktick", "ssl", "urllib3"} & {*imported}


def test_a_sitecustomize_of_the_environment_is_run(ticktick_offline, tmp_path):
    """Coverage and Debian have such files."""
    (tmp_path / "sitecustomize.py").write_text("print('mine', end=' ')")
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    code = "import sitecustomize as s; print(s.__file__)"

    told = run("-c", code, env={**os.environ, "PYTHONPATH": path})

    assert told == f"mine {tmp_path / 'sitecustomize.py'}"


def test_a_module_that_is_hidden_is_run(tmp_path, monkeypatch):
    """If there is one."""
    for folder in ("hides", "hidden"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a_hidden_module.py").write_text(f"IN = {folder!r}")
        monkeypatch.syspath_prepend(tmp_path / folder)

    run_hidden("a_hidden_module", str(tmp_path / "hidden"))
    run_hidden("no_hidden_module", str(tmp_path / "hidden"))

    assert sys.modules.pop("a_hidden_module").IN == "hides"
    assert "no_hidden_module" not in sys.modules


def test_another_account_is_not_the_persons_own(ticktick_offline, tmp_path):
    """The state folder is the test's, in each process."""
    store = FileStore(profile="work")
    assert str(tmp_path / "home") not in store.path
    assert store.load() is None
    store.save(Token(ticktick_offline.issue_token("0123456789abcdef-work")))
    code = "import requests_ticktick as r; print(r.FileStore(profile='work').load())"

    assert "Token" in run("-c", code)
    assert EARLY.get(URL, auth=TickTickAuth(profile="work")).status_code == 200


def test_variables_of_the_person_are_out_of_reach(ticktick_offline):
    """Those that name an app, a token or an account are replaced."""
    names = {name for name in os.environ if name.startswith("TICKTICK_")}

    assert names == {
        "TICKTICK_CLIENT_ID",
        "TICKTICK_CLIENT_SECRET",
        "TICKTICK_TOKEN_FILE",
    }


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_httpx_calls_the_sandbox(ticktick_offline, client, lacking):
    """With a client of before, and one that is asynchronous."""
    if find_spec(client) is None:
        lacking(f"{client} is not installed")
    httpx = __import__(client)
    headers = {"Authorization": f"Bearer {TickTickAuth().token().access_token}"}

    async def main():
        async with httpx.AsyncClient(headers=headers) as session:
            response = await session.get(URL)
            with pytest.raises(httpx.ConnectError, match="ticktick_offline"):
                await session.get("https://example.org/")
            return response

    with httpx.Client(headers=headers) as session:
        response = session.post(URL, json={"name": "New"})
        assert session.get(ticktick_offline.url("/")).status_code == 200
        with pytest.raises(httpx.ConnectError, match="ticktick_offline"):
            session.get("https://example.org/")
    assert response.status_code == 200
    assert response.json()["name"] == "New"
    assert str(response.url) == URL
    assert asyncio.run(main()).status_code == 200


def test_adapters_may_be_called_by_position(ticktick_offline):
    """As requests' own documentation has it for subclasses."""
    request = requests.Request("GET", URL).prepare()

    adapter = HTTPAdapter()
    response = adapter.send(request, False, 30, True, None, {"https": "http://x.y"})
    adapter.close()

    assert response.status_code == 401
    assert response.connection is adapter


def test_what_is_imported_later_is_changed():
    """Once, and it keeps the loader that it had."""
    changes = []
    offline = Offline("http://127.0.0.1:1", "/nowhere")
    offline.changes = {"wave": changes.append, "no_such_module": changes.append}
    sys.modules.pop("wave", None)

    offline.start()
    try:
        import wave

        with pytest.raises(ModuleNotFoundError):
            __import__("no_such_module")
    finally:
        offline.stop()

    assert changes == [wave]
    assert type(wave.__loader__).__module__ == "_frozen_importlib_external"
    assert wave.__spec__.loader is wave.__loader__


def test_a_patch_that_outlives_the_fixture_sends_as_before(ticktick_offline):
    """A test may have patched the same, and put back what it found."""
    offline = Offline("http://127.0.0.1:1", "/nowhere")
    offline.start()
    found = HTTPAdapter.send
    offline.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", found)
        assert EARLY.get(URL, auth=TickTickAuth(), timeout=30).status_code == 200
