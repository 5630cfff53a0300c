"""The service that the herds call, as a program of its own.

Its token endpoint takes its time, rotates refresh tokens, and ends the whole
grant if one is used twice (RFC 9700 4.14.2). It prints its port, and ends when
its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import threading
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

#: What every process finds in its store.
VALID_TOKEN, REFRESH_TOKEN = "valid-token", "refresh-token-0"

#: What msal asks for. Its address is mapped to ours by its own HTTP client.
OPENID_CONFIGURATION = {
    "issuer": "https://login.example.com/tenant",
    "authorization_endpoint": "https://login.example.com/tenant/oauth/authorize",
    "token_endpoint": "https://login.example.com/tenant/oauth/token",
}

_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized"}

Response = tuple[int, dict[str, str], dict[str, Any] | list[Any]]


class State:
    """What the authorization server remembers.

    ``latency`` is what each token request takes, in seconds.
    """

    def __init__(self) -> None:
        self.begin(0.0)

    def begin(self, latency: float) -> None:
        """Forget what was, for the next herd."""
        self.latency = latency
        self.token_requests = self.calls = 0
        self.accepted = {VALID_TOKEN}
        self.codes: set[str] = set()
        self.refresh_token: str | None = REFRESH_TOKEN

    def granted(self, form: dict[str, list[str]]) -> bool:
        """Whether a token request is granted. A second use ends everything."""
        if form.get("grant_type") == ["authorization_code"]:
            code = form.get("code", [""])[0]
            known = code in self.codes
            self.codes.discard(code)
            return known
        if form.get("grant_type") == ["client_credentials"]:
            return True
        if form.get("refresh_token", [""])[0] == self.refresh_token:
            return True
        self.refresh_token = None
        self.accepted.clear()
        return False

    def issue(self) -> dict[str, Any]:
        """Issue a token, and a refresh token in place of the former."""
        token = secrets.token_urlsafe(24)
        self.accepted.add(token)
        self.refresh_token = secrets.token_urlsafe(24)
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 86400,
            "scope": "tasks:read tasks:write",
            "refresh_token": self.refresh_token,
        }


state = State()


async def respond(target: str, token: str, body: bytes) -> Response:
    """Answer one request."""
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    if parts.path == "/open/v1/project":
        state.calls += 1
        return (200, {}, []) if token in state.accepted else (401, {}, {})
    if parts.path == "/oauth/token":
        state.token_requests += 1
        # ticktick-py sends its parameters in the URL.
        form = parse_qs(body.decode()) or query
        answer = state.issue() if state.granted(form) else None
        await asyncio.sleep(state.latency)
        return (
            (400, {}, {"error": "invalid_grant"})
            if answer is None
            else (
                200,
                {"Cache-Control": "no-store"},
                answer,
            )
        )
    if parts.path == "/oauth/authorize":
        code = secrets.token_urlsafe(16)
        state.codes.add(code)
        back = urlencode({"code": code, "state": query.get("state", [""])[0]})
        return 302, {"Location": f"{query['redirect_uri'][0]}?{back}"}, {}
    if parts.path == "/.well-known/openid-configuration":
        return 200, {}, OPENID_CONFIGURATION
    if parts.path == "/reset":
        state.begin(float(query["latency"][0]))
        return 200, {}, {}
    return 200, {}, {"token_requests": state.token_requests, "calls": state.calls}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            fields = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:])
            }
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            token = fields.get("authorization", "").partition(" ")[2]
            status, more, payload = await respond(lines[0].split(" ")[1], token, body)
            content = json.dumps(payload).encode()
            more |= {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
            }
            names = "".join(f"{name}: {value}\r\n" for name, value in more.items())
            start = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{names}\r\n"
            writer.write(start.encode("latin-1") + content)
    writer.close()


async def main() -> None:
    """Serve until the standard input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
