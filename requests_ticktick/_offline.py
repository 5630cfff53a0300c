"""Sends what is meant for TickTick to a sandbox, and nothing off this machine.

The fixture ``ticktick_offline`` uses it in its own process. In the processes
that a test starts, Python itself loads this file, by its path: it needs the
standard library alone, and imports none of the clients that it changes.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

#: Everything below them is TickTick's.
DOMAINS = ("ticktick.com", "dida365.com")

#: Neither a proxy nor a certificate is of use on the way to the sandbox.
_NO_TLS = {"proxies": {}, "verify": False, "cert": None}


def run_hidden(name: str, folder: str) -> None:
    """Run the module of this name that one in the folder hides, if any."""
    path = [entry for entry in sys.path if entry != folder]
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is not None and spec.loader is not None:
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


class Offline:
    """Where requests and httpx send their requests, from start to stop.

    Their transports are changed and not their sessions, so that a session
    that was made before goes there as well.

    :param base: The sandbox: ``http://127.0.0.1:port``.
    :param state: The folder that stands for this user's state folder, where
        the tokens of profiles are.
    """

    def __init__(self, base: str, state: str) -> None:
        self._base = base
        self._state = state
        self._undo: list[tuple[Any, str, Any]] = []
        self._is_on = False
        self.changes: dict[str, Callable[[Any], None]] = {
            "requests.adapters": self._change_requests,
            "httpx": self._change_httpx,
            "httpx2": self._change_httpx,
            "requests_ticktick.stores._place": self._change_place,
        }

    def start(self) -> None:
        """Change what is imported, and what will be."""
        self._is_on = True
        _end_fork_server()
        sys.meta_path.insert(0, self)
        for name, change in self.changes.items():
            if name in sys.modules:
                change(sys.modules[name])

    def stop(self) -> None:
        """Leave everything as it was."""
        # Who has patched the same since may put these functions back later.
        self._is_on = False
        _end_fork_server()
        sys.meta_path.remove(self)
        while self._undo:
            setattr(*self._undo.pop())

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module that is to be changed once it is imported."""
        if name not in self.changes:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = None if find is None else find(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ChangingLoader(spec.loader, self.changes[name])
                return spec  # type: ignore[no-any-return]  # a finder of any kind
        return None

    def _set(self, owner: Any, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def route(self, url: str) -> str | None:
        """Return the URL that a request goes to in truth.

        :returns: ``None`` if it would leave this machine.
        """
        if not self._is_on:
            return url
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if re.fullmatch(r"localhost|::1|127(\.\d+){3}", host):
            return url
        is_ticktick = any(host == own or host.endswith(f".{own}") for own in DOMAINS)
        if not is_ticktick or parts.scheme != "https" or parts.port not in (None, 443):
            return None
        here = urlsplit(self._base)
        return urlunsplit((here.scheme, here.netloc, parts.path, parts.query, ""))

    def _change_requests(self, adapters: Any) -> None:
        send = adapters.HTTPAdapter.send

        def send_offline(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            url = self.route(request.url)
            if url is None:
                raise adapters.ConnectionError(refusal(request.url), request=request)
            if url == request.url:
                return send(adapter, request, *args, **kwargs)
            copy = request.copy()
            copy.url = url
            copy.headers.pop("Host", None)
            kwargs = {**_named(args), **kwargs, **_NO_TLS}
            response = send(adapter, copy, **kwargs)
            response.request, response.url = request, request.url
            return response

        self._set(adapters.HTTPAdapter, "send", send_offline)

    def _change_httpx(self, httpx: Any) -> None:
        send = httpx.HTTPTransport.handle_request
        send_async = httpx.AsyncHTTPTransport.handle_async_request

        def routed(request: Any) -> Any:
            url = self.route(str(request.url))
            if url is None:
                raise httpx.ConnectError(refusal(str(request.url)), request=request)
            if url == str(request.url):
                return request
            url = httpx.URL(url)
            headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"host"]
            return httpx.Request(
                request.method,
                url,
                headers=[(b"Host", url.netloc), *headers],
                stream=request.stream,
                extensions=request.extensions,
            )

        def handle_request(transport: Any, request: Any) -> Any:
            return send(transport, routed(request))

        async def handle_async_request(transport: Any, request: Any) -> Any:
            return await send_async(transport, routed(request))

        self._set(httpx.HTTPTransport, "handle_request", handle_request)
        self._set(
            httpx.AsyncHTTPTransport, "handle_async_request", handle_async_request
        )

    def _change_place(self, place: Any) -> None:
        self._set(place, "_state_folder", lambda: self._state)


class _ChangingLoader:
    """Loads a module, and changes it.

    :param loader: The module's own.
    """

    def __init__(self, loader: Any, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """Leave that to the module's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module as if there were only its own loader."""
        assert module.__spec__ is not None  # the import system has set it
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._change(module)


def _end_fork_server() -> None:
    """Have multiprocessing start another, which goes where this process does.

    Its present workers live on.
    """
    module: Any = sys.modules.get("multiprocessing.forkserver")
    if module is not None:
        module._forkserver._stop()


def _named(args: tuple[Any, ...]) -> dict[str, Any]:
    """Return the arguments of an adapter's ``send`` by their names."""
    names = ("stream", "timeout", "verify", "cert", "proxies")
    return dict(zip(names, args, strict=False))


def refusal(url: str) -> str:
    """Say which host cannot be reached, and what to do. Paths are secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return (
        f"The fixture ticktick_offline lets nothing leave this machine, and this "
        f"request would go to {parts.scheme}://{host}. Only https:// of TickTick and "
        "Dida365, which is the sandbox, and loopback addresses are reached. Answer "
        "for that host in your test, or make the call in a test without the fixture."
    )
