"""Names that are imported when they are first used are names like any other."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest

import requests_ticktick
from requests_ticktick import FileStore, MemoryStore, TickTickAuth, Token

ROOT = Path(__file__).resolve().parents[2]
#: The packages that have such names.
LAZY = ["requests_ticktick", "requests_ticktick.stores", "requests_ticktick._sign_on"]

#: What a process with a fresh token in a file needs no module for.
NOT_FOR_A_FRESH_TOKEN = {
    "requests_ticktick._first_use",
    "requests_ticktick._grant.registering",
    "requests_ticktick._grant.request",
    "requests_ticktick._redirect",
    "requests_ticktick._retry_session",
    "requests_ticktick._sign_on",
    "requests_ticktick._source.asking",
    "requests_ticktick._source.failures",
    "requests_ticktick._source.obtaining",
    "requests_ticktick._source.renewal",
    "requests_ticktick._source.saving",
    "requests_ticktick._source.snapshot",
    "requests_ticktick._source.turns",
    "requests_ticktick._wrong_host",
    "requests_ticktick.stores._chain",
    "requests_ticktick.stores._file_lock",
    "requests_ticktick.stores._replacing",
    "requests_ticktick.stores._text",
}


def modules_after(code: str) -> set[str]:
    """Return what a fresh interpreter has imported once it has run this."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(result.stdout.split())


def test_importing_the_package_imports_no_requests() -> None:
    """Installed is not used: a pytest plugin is imported by each run."""
    modules = modules_after("import requests_ticktick")

    ours = {name for name in modules if name.startswith("requests_ticktick")}
    assert ours == {"requests_ticktick", "requests_ticktick._lazy"}
    assert not {"requests", "urllib3", "ssl", "http.client"} & modules


def test_importing_the_class_imports_no_policy() -> None:
    """A program may import it, and make no auth in this run."""
    modules = modules_after("from requests_ticktick import TickTickAuth")

    ours = {name for name in modules if name.startswith("requests_ticktick")}
    assert not {name for name in ours if name.startswith("requests_ticktick._source")}
    assert len(ours) <= 21


def test_a_fresh_token_in_a_file_needs_few_modules(tmp_path: Path) -> None:
    """Neither what renews, nor what signs on, nor what locks."""
    file = tmp_path / "token.json"
    code = (
        "import requests\n"
        "from requests_ticktick import FileStore, TickTickAuth\n"
        f"auth = TickTickAuth(store=FileStore({str(file)!r}))\n"
        "url = 'https://api.ticktick.com/open/v1/project'\n"
        "header = requests.Request('GET', url, auth=auth).prepare().headers\n"
        "assert header['Authorization'].startswith('Bearer ')\n"
    )
    file.write_text(
        '{"access_token": "tp_0123456789abcdef", "expires_at": 4e9, "issued_at": 1.7e9}'
    )
    file.chmod(0o600)

    ours = {name for name in modules_after(code) if name.startswith("requests_tickt")}

    assert ours & NOT_FOR_A_FRESH_TOKEN == set()
    assert len(ours) <= 36


#: What else a process has that waits for another one's renewal.
TO_WAIT = {
    "requests_ticktick._source.renewal",
    "requests_ticktick._source.snapshot",
    "requests_ticktick._source.turns",
    "requests_ticktick.stores._file_lock",
}


@pytest.mark.parametrize("left", [-10, 30], ids=["expired", "in its last minute"])
def test_whoever_waits_for_another_process_needs_few_modules(
    tmp_path: Path, left: float
) -> None:
    """A herd would import the others all at once, in the way of the first."""
    store = FileStore(tmp_path / "token.json")
    store.save(Token("tp_0123456789abcdef", expires_at=time.time() + left))
    code = (
        "import os, sys, time\n"
        "from requests_ticktick import FileStore, TickTickAuth\n"
        "def waiting(seconds):\n"
        "    print(*sys.modules, flush=True)\n"
        "    os._exit(0)\n"
        "time.sleep = waiting\n"
        f"TickTickAuth(store=FileStore({store.path!r})).token()\n"
    )

    with store.lock(5.0):
        modules = modules_after(code)

    assert modules >= TO_WAIT
    assert modules & NOT_FOR_A_FRESH_TOKEN == TO_WAIT
    assert not {"filelock", "oauthlib", "requests_oauthlib"} & modules
    assert len([name for name in modules if name.startswith("requests_tick")]) <= 48


@pytest.mark.parametrize("package", LAZY)
def test_a_type_checker_sees_the_names_that_a_program_gets(package: str) -> None:
    """Each from the same module, and no other."""
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    (condition,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in condition.body if isinstance(node, ast.ImportFrom)]
    checked = {
        alias.name: f"{package}.{node.module}"
        for node in imports
        for alias in node.names
    }

    assert set(checked) == set(module.__all__)
    assert len(module.__all__) == len(set(module.__all__))
    for name, source in checked.items():
        found = getattr(module, name)
        assert found is getattr(importlib.import_module(source), name)
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", LAZY)
def test_an_unknown_name_is_an_error(package: str) -> None:
    """``hasattr`` and ``from ... import`` say so as of any module."""
    module = importlib.import_module(package)

    assert not hasattr(module, "Nothing")
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'Nothing'"):
        _ = module.Nothing
    with pytest.raises(ImportError, match="Nothing"):
        exec(f"from {package} import Nothing", {})


def test_modules_are_imported_by_their_full_names() -> None:
    """In whichever order."""
    code = (
        "import requests_ticktick.stores.encrypted as e, requests_ticktick.vault\n"
        "from requests_ticktick import stores, sandbox, compat\n"
        "import requests_ticktick as r\n"
        "assert r.stores is stores and stores.FileStore is r.FileStore\n"
        "assert e is stores.encrypted and r.vault.TokenVault\n"
    )

    assert "requests_ticktick.compat" in modules_after(code)


def test_all_of_them_at_once() -> None:
    """``from requests_ticktick import *``."""
    names: dict[str, object] = {}

    exec("from requests_ticktick import *", names)

    assert set(requests_ticktick.__all__) <= set(names)


def test_help_lists_them() -> None:
    """And says what each is."""
    text = pydoc.plain(pydoc.render_doc(requests_ticktick))

    assert [name for name in requests_ticktick.__all__ if name not in text] == [
        "__version__"  # which is under a heading of its own
    ]
    members = dict(inspect.getmembers(requests_ticktick, inspect.isclass))
    assert members["TickTickAuth"] is TickTickAuth


def test_classes_are_named_as_programs_import_them() -> None:
    """Also where a program has not imported that name yet."""
    code = (
        "import pickle, sys\n"
        "from requests_ticktick import TickTickAuth\n"
        "auth = TickTickAuth.from_token('tp_0123456789abcdef')\n"
        "token = auth.token()\n"
        "assert 'Token' not in vars(sys.modules['requests_ticktick'])\n"
        "assert type(token).__module__ == 'requests_ticktick'\n"
        "assert pickle.loads(pickle.dumps(token)) == token\n"
        "auth.token(); print(pickle.loads(pickle.dumps(auth)))\n"
    )
    modules_after(code)

    for name in requests_ticktick.__all__:
        value = getattr(requests_ticktick, name)
        if isinstance(value, type):
            assert value.__module__ == "requests_ticktick"


def test_pickles_of_before_are_read() -> None:
    """A class is found by the name that the pickle has."""
    token = Token("tp_0123456789abcdef")
    text = pickle.dumps(token, protocol=0)

    assert b"requests_ticktick\nToken" in text
    assert pickle.loads(text) == token
    store = pickle.loads(pickle.dumps(MemoryStore(token)))
    assert isinstance(store, MemoryStore)


def test_a_name_can_be_patched_and_comes_back() -> None:
    """As tests of programs do."""
    with mock.patch("requests_ticktick.retry_session") as fake:
        assert requests_ticktick.retry_session is fake
        from requests_ticktick import retry_session

        assert retry_session is fake
    assert inspect.isfunction(requests_ticktick.retry_session)


def test_threads_get_the_same_name() -> None:
    """Whoever is first."""
    code = (
        "import threading, requests_ticktick\n"
        "start, found = threading.Barrier(8), []\n"
        "def look():\n"
        "    start.wait(); found.append(requests_ticktick.TickTickAuth)\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert len(found) == 8 and len(set(found)) == 1\n"
    )

    assert "requests_ticktick._auth" in modules_after(code)
