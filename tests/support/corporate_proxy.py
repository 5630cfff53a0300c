"""A proxy that looks into TLS by certificates of its own, as companies have them."""

from __future__ import annotations

import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests
import trustme

#: What belongs to one connection.
_NOT_PASSED_ON = {"connection", "content-length", "host", "transfer-encoding"}


class CorporateProxy:
    """Passes what is sent to any host on to the sandbox.

    :param sandbox: Stands behind all hosts.
    :param folder: Where ``ca``, the path of the CA's certificate, is.
    """

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.authority = trustme.CA()
        self.ca = str(folder / "corporate-ca.pem")
        self.authority.cert_pem.write_to_path(self.ca)
        self.hosts = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False  # closing it waits for them
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self):
            self.send_response(200)
            self.end_headers()
            host = self.path.rpartition(":")[0]
            proxy.hosts.append(host)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            proxy.authority.issue_cert(host).configure_cert(context)
            self.close_connection = True
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.connection, server_side=True) as inside,
            ):
                # What comes inside of TLS is handled as if it came without.
                type(self)(inside, self.client_address, self.server)

        def _pass_on(self):
            length = int(self.headers.get("Content-Length", 0))
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    self.command,
                    self.at_sandbox(),
                    data=self.rfile.read(length),
                    headers={
                        name: value
                        for name, value in self.headers.items()
                        if name.lower() not in _NOT_PASSED_ON
                    },
                    allow_redirects=False,
                )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self):
            self._pass_on()

        def do_POST(self):
            self._pass_on()

        def at_sandbox(self):
            return proxy.sandbox.url(urlsplit(self.path).path)

        def log_message(self, *_):
            """Say nothing."""

    return Handler
