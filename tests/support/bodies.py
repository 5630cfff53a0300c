"""Bodies that can be sent again and bodies that cannot, and answers to them."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import threading

from wire_servers import (
    TOKENS,
    Answer,
)

CONTENT = bytes(range(256)) * 400


class Told(io.RawIOBase):
    """Knows where it is, and cannot go back."""

    def __init__(self):
        self._file = io.BytesIO(CONTENT)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def tell(self):
        return self._file.tell()


def a_file(folder, *, at=0):
    path = folder / "body"
    path.write_bytes(b"skipped" + CONTENT if at else CONTENT)
    file = path.open("rb")
    file.seek(at)
    return file


def a_pipe():
    """Have a thread write what can be read once."""
    reads, writes = os.pipe()

    def write():
        with open(writes, "wb") as file:
            file.write(CONTENT)

    threading.Thread(target=write, daemon=True).start()
    return open(reads, "rb")


def a_socket_file():
    ours, theirs = socket.socketpair()

    def write():
        with theirs:
            theirs.sendall(CONTENT)

    threading.Thread(target=write, daemon=True).start()
    with ours:
        return ours.makefile("rb")


AGAIN, ONCE = True, False


BODIES = {
    # what it is: (whether it is sent again, what is passed, the bytes it stands for)
    "none": (AGAIN, lambda _: {}, b""),
    "bytes": (AGAIN, lambda _: {"data": CONTENT}, CONTENT),
    "bytearray": (AGAIN, lambda _: {"data": bytearray(CONTENT)}, CONTENT),
    "str": (AGAIN, lambda _: {"data": "text"}, b"text"),
    "form": (AGAIN, lambda _: {"data": {"a": ["1", "2"], "b": "&"}}, b"a=1&a=2&b=%26"),
    "JSON": (AGAIN, lambda _: {"json": {"a": [1, None]}}, b'{"a": [1, null]}'),
    "file": (AGAIN, lambda folder: {"data": a_file(folder)}, CONTENT),
    "file from its offset": (
        AGAIN,
        lambda folder: {"data": a_file(folder, at=7)},
        CONTENT,
    ),
    "BytesIO": (AGAIN, lambda _: {"data": io.BytesIO(CONTENT)}, CONTENT),
    "file with nothing in it": (AGAIN, lambda _: {"data": io.BytesIO()}, b""),
    "multipart": (
        AGAIN,
        lambda folder: {"files": {"f": a_file(folder)}, "data": {"a": "1"}},
        None,
    ),
    "pipe": (ONCE, lambda _: {"data": a_pipe()}, CONTENT),
    "socket": (ONCE, lambda _: {"data": a_socket_file()}, CONTENT),
    "file that cannot go back": (ONCE, lambda _: {"data": Told()}, CONTENT),
    "generator": (
        ONCE,
        lambda _: {"data": (CONTENT[i : i + 999] for i in range(0, len(CONTENT), 999))},
        CONTENT,
    ),
    "iterator": (ONCE, lambda _: {"data": iter([b"one", b"two"])}, b"onetwo"),
}


REFUSED = b'{"error": "invalid_token"}'


CHUNKED = {"Transfer-Encoding": "chunked"}


STREAM = {"stream": True}


ANSWERS = {
    # what happens: (the first answer, the second, options of the call)
    "401, 200": (Answer(401, body=REFUSED), Answer(200), {}),
    "401, 200, close": (Answer(401, body=REFUSED, close=True), Answer(200), {}),
    "401, 401": (Answer(401), Answer(401), {}),
    "401, 401, close": (Answer(401, close=True), Answer(401, close=True), {}),
    "401, 500": (Answer(401), Answer(500), {}),
    "401 without a body": (Answer(401, body=b""), Answer(200), {}),
    "401 without a body, close": (Answer(401, body=b"", close=True), Answer(200), {}),
    "401 in chunks": (Answer(401, CHUNKED, [b"2\r\n{}\r\n0\r\n\r\n"]), Answer(200), {}),
    "401 until it closes": (Answer(401, {}, [REFUSED], close=True), Answer(200), {}),
    "401 before the body was read": (Answer(401, early=True), Answer(200), {}),
    "streamed: 401, 200": (Answer(401, body=REFUSED), Answer(200), STREAM),
    "streamed: 401, 200, close": (Answer(401, close=True), Answer(200), STREAM),
    "streamed: 401, 401": (Answer(401), Answer(401), STREAM),
    # requests raises what goes wrong with a body that it reads for the caller.
    "streamed: 401 that breaks off": (
        Answer(401, body=b"{", says=99),
        Answer(200),
        STREAM,
    ),
    "streamed: 401 in chunks that break off": (
        Answer(401, CHUNKED, [b"9\r\n{"], close=True),
        Answer(200),
        STREAM,
    ),
    "streamed: 401 in a coding that is wrong": (
        Answer(401, {"Content-Encoding": "gzip"}, b"no gzip"),
        Answer(200),
        STREAM,
    ),
}


class Counted(io.FileIO):
    """A file that knows the largest block that was read at once."""

    largest = 0

    def read(self, size=-1):
        block = super().read(size)
        self.largest = max(self.largest, len(block))
        return block


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def differences(one, other):
    """Name the headers that two requests do not share."""
    return {
        name
        for name in {*one.headers, *other.headers}
        if one.headers.get(name) != other.headers.get(name)
    }


def close(given):
    for value in (*given.values(), *given.get("files", {}).values()):
        if hasattr(value, "close"):
            value.close()


def tokens(server):
    """Say which tokens a server saw, by their numbers."""
    return [
        TOKENS.index(seen.headers["authorization"].removeprefix("Bearer "))
        for seen in server.seen
    ]
