"""Whatever a secret could be seen in: tracebacks, records, reprs, processes."""

from __future__ import annotations

import base64
import contextlib
import gc
import html
import json
import logging
import os
import pickle
import types
import warnings
from pathlib import Path
from traceback import TracebackException
from urllib.parse import quote, quote_plus

from requests_ticktick import TickTickAuthError

TESTS = str(Path(__file__).parents[1])

#: Their frames are a user's program's, a test's, and a stand-in's for a person.
NOT_OURS = (TESTS, "_pytest", "pluggy", "hypothesis", "requests_ticktick/sandbox")


def spellings(secret):
    """Return a secret as it is, and as it would travel."""
    raw = secret.encode("utf-8", "surrogatepass")
    return {
        secret,
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
    }


def chain_of(error):
    """Yield an error and all behind it, those that are suppressed as well."""
    left, seen = [error], set()
    while left:
        link = left.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            left += [link.__cause__, link.__context__]


def told_by(error):
    """Return all that an error tracker could send: a line for each thing."""
    return "\n".join(line for link in chain_of(error) for line in _told(link))


def _told(error):
    yield f"{type(error).__name__}: {error} {error!r} {error.args!r} {vars(error)!r}"
    # Ours can be pickled; of the libraries' some hold sockets.
    ours = isinstance(error, TickTickAuthError)
    with contextlib.suppress(*() if ours else (TypeError, pickle.PicklingError)):
        yield repr(pickle.dumps(error))
    # Error trackers show all local variables: none may fail to be shown.
    report = TracebackException.from_exception(error, capture_locals=True)
    for frame in report.stack:
        if not any(part in frame.filename for part in NOT_OURS):
            yield f"{frame.filename}:{frame.lineno}: {frame.name}: {frame.locals}"


class Everything(logging.Handler):
    """What all loggers, and all warnings, say while it is entered.

    Every logger there is, and there will be, passes everything on.
    """

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.lines = []
        self.names = set()

    def __enter__(self):
        root = logging.getLogger()
        known = [x for x in root.manager.loggerDict.values() if hasattr(x, "level")]
        self._before = [
            (logger, logger.level, logger.propagate, logger.disabled)
            for logger in [root, *known]
        ]
        for logger in [root, *known]:
            logger.setLevel(logging.NOTSET if logger is not root else logging.DEBUG)
            logger.propagate, logger.disabled = True, False
        root.addHandler(self)
        self._warnings = warnings.catch_warnings(record=True)
        self._warned = self._warnings.__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *exc_info):
        self._warnings.__exit__(*exc_info)
        self.lines += [repr(warning) for warning in self._warned]
        logging.getLogger().removeHandler(self)
        for logger, level, propagate, disabled in self._before:
            logger.setLevel(level)
            logger.propagate, logger.disabled = propagate, disabled

    def emit(self, record):
        self.names.add(record.name)
        self.lines += [record.getMessage(), repr(record.args), repr(vars(record))]
        args = record.args if isinstance(record.args, tuple) else (record.args,)
        self.lines += [f"{arg} {arg!r} {getattr(arg, '__dict__', '')}" for arg in args]
        if record.exc_info and record.exc_info[1] is not None:
            self.lines.append(told_by(record.exc_info[1]))


def titles():
    """Return the command lines of this process and of its children."""
    found = [Path("/proc/self/cmdline").read_bytes()]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.append((path.parent / "cmdline").read_bytes())
    return "\n".join(title.replace(b"\0", b" ").decode() for title in found)


def texts_kept_by(*roots):
    """Return every text that can be reached from these objects."""
    left, seen, texts = list(roots), set(), set()
    # They lead to all the rest of the program.
    closed = (type, types.ModuleType, types.FunctionType, types.FrameType)
    while left:
        thing = left.pop()
        if isinstance(thing, str):
            texts.add(str(thing))
        elif isinstance(thing, bytes):
            texts.add(thing.decode("latin-1"))
        elif id(thing) not in seen and not isinstance(thing, closed):
            seen.add(id(thing))
            left += gc.get_referents(thing)
    return texts
