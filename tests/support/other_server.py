"""An OAuth server and an API that share no code with this project."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit


class OtherServer:
    """RFC 6749 4.1 by the letter, and one protected resource.

    :ivar problems: What a client got wrong.
    """

    def __init__(self, client_id, client_secret, redirect_uri):
        self.client_id, self.client_secret = client_id, client_secret
        self.redirect_uri = redirect_uri
        self.codes, self.tokens, self.problems, self.granted = set(), set(), [], 0
        handler = type("Handler", (_Handler,), {"other": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def expect(self, what, condition):
        if not condition:
            self.problems.append(what)
        return bool(condition)


class _Handler(BaseHTTPRequestHandler):
    other: OtherServer

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            return self._authorize(parse_qs(parts.query))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self.other.tokens:
            return self._answer(200, [{"id": "1", "name": "Inbox"}])
        return self._answer(401, {"error": "unauthorized"})

    def _authorize(self, query):
        other = self.other
        other.expect("response_type", query["response_type"] == ["code"])
        other.expect("client_id", query["client_id"] == [other.client_id])
        other.expect("redirect_uri", query["redirect_uri"] == [other.redirect_uri])
        code = secrets.token_urlsafe(16)
        other.codes.add(code)
        other.granted += 1
        answer = urlencode({"code": code, "state": query["state"][0]})
        self.send_response(302)
        self.send_header("Location", f"{other.redirect_uri}?{answer}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        other = self.other
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        basic = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
        other.expect("client", basic == f"{other.client_id}:{other.client_secret}")
        other.expect("grant_type", form["grant_type"] == ["authorization_code"])
        other.expect("redirect_uri", form["redirect_uri"] == [other.redirect_uri])
        (code,) = form["code"]
        if not other.expect("code", code in other.codes):
            return self._answer(400, {"error": "invalid_grant"})
        other.codes.remove(code)
        token = secrets.token_urlsafe(32)
        other.tokens.add(token)
        return self._answer(
            200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        )

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""
