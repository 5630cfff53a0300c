"""``login --save``: a token in a file of the person's choice."""

from __future__ import annotations

import contextlib
import os
import re

from ...stores import _files, _payload, _place, _replacing
from ...stores._env import DEFAULT_VARIABLE
from ..output import CommandError
from .forms import is_line

#: A line that sets the variable, in a shell or in a ``.env`` file.
_LINE = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?" + DEFAULT_VARIABLE.encode() + rb"[ \t]*=(.*)$",
    re.MULTILINE,
)

#: Space for a token, in bytes.
_ROOM_BYTES = 4096


class TokenCopy:
    """A file that gets a token in one of the forms.

    Lines of other secrets are kept. A file that holds something else is not
    overwritten.

    :param form: One of :data:`~requests_ticktick._cli.login.forms.FORMS`.
    """

    def __init__(self, path: str, form: str) -> None:
        self.path = os.path.realpath(os.path.expanduser(path))
        self._form = form

    def require_room(self) -> None:
        """Make sure that it can be written, before a person is asked.

        :raises CommandError: It cannot, or holds something else.
        """
        try:
            problem = _place.prepare(self.path)
            if problem is not None:
                raise CommandError(f"{problem}.")
            size = len(self._merged(b""))
            os.unlink(_replacing.take_room(self.path, size + _ROOM_BYTES))
        except OSError as error:
            raise self._unwritable(error) from None

    def write(self, text: str) -> None:
        """Write the token, for this user alone to read.

        :raises CommandError: It cannot be written. What was there is still
            there.
        """
        try:
            _replacing.replace(self.path, self._merged(text.encode()))
        except OSError as error:
            raise self._unwritable(error) from None

    def _merged(self, line: bytes) -> bytes:
        """Return the whole content with this line in it.

        :raises OSError: The file is there, and cannot be read.
        """
        content = b""
        with contextlib.suppress(FileNotFoundError):
            content, _ = _files.read(self.path)
        if not is_line(self._form):
            self._require_token(content)
            return line + b"\n"
        if len(content) > _files.MAX_BYTES:
            raise self._other("more than a megabyte")
        if content.strip() and _payload.parse(content).is_ours:
            raise self._other("a token in another form")
        found = list(_LINE.finditer(content))
        for match in found:
            value = match[1].strip()
            if value[:1] in (b'"', b"'") and value.count(value[:1]) < 2:
                raise self._other(f"a {DEFAULT_VARIABLE} of several lines")
        if not found:
            glue = b"" if not content or content.endswith(b"\n") else b"\n"
            return content + glue + line + b"\n"
        # The last one counts, in a shell and for those who read such files.
        last = found[-1]
        end = b"\r" if last[1].endswith(b"\r") else b""
        return content[: last.start()] + line + end + content[last.end() :]

    def _require_token(self, content: bytes) -> None:
        found = _payload.parse(content)
        if content.strip() and not found.is_ours:
            raise self._other(found.what)

    def _other(self, what: str) -> CommandError:
        return CommandError(
            f"{self.path} holds {what}, and is not overwritten. Choose another file "
            "with --save, or remove that one."
        )

    def _unwritable(self, error: OSError) -> CommandError:
        return CommandError(
            f"Cannot write {self.path}: {error.strerror}. Choose another file with "
            "--save."
        )
