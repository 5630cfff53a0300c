"""Where the token of a login goes, if not to the place of all tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..._errors import TickTickAuthError
from ..._sign_on.terminal import terminal_is_here
from ..._token import Token
from ..account import Account
from ..output import CommandError, answer, require_output, say, warn
from .forms import FORMS, formatted
from .signing_on import keep

if TYPE_CHECKING:
    from .clipboard import Clipboard
    from .copies import TokenCopy


@dataclass(frozen=True)
class Wish:
    """Where a person wants the token.

    :param to: ``print``, ``copy``, ``save`` or ``ask``; ``None`` for the place
        of all tokens.
    :param form: One of :data:`~requests_ticktick._cli.login.forms.FORMS`.
    :param path: The file for ``save``.
    """

    to: str | None
    form: str = "json"
    path: str | None = None


#: The names of the options, as :func:`wish_of` takes them.
WISHES = ("prints", "copies", "path", "asks", "form", "env")

_OPTIONS = (
    click.option("--print", "prints", is_flag=True, help="Print the token."),
    click.option("--copy", "copies", is_flag=True, help="Put it on the clipboard."),
    click.option(
        "--save",
        "path",
        metavar="PATH",
        type=click.Path(dir_okay=False),
        help="Write it to a file; other lines of a .env file stay.",
    ),
    click.option("--ask", "asks", is_flag=True, help="Ask which of these afterwards."),
    click.option(
        "--format",
        "form",
        type=click.Choice(list(FORMS)),
        help="Its form there: "
        + ", ".join(f"{form} ({use})" for form, use in FORMS.items())
        + ". Alone, as with --print.",
    ),
    click.option("--env", is_flag=True, help="Short for --format env."),
)


def delivery_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; :func:`wish_of` understands them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wish_of(
    prints: bool,
    copies: bool,
    path: str | None,
    asks: bool,
    form: str | None,
    env: bool,
) -> Wish:
    """Return what the options say.

    :raises click.UsageError: They exclude each other, or nobody can be asked.
    """
    given = {"print": prints, "copy": copies, "save": path is not None, "ask": asks}
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        first, second = (f"--{name}" for name in chosen[:2])
        raise click.UsageError(f"{first} and {second} exclude each other.")
    if asks and not terminal_is_here():
        raise click.UsageError("--ask needs a terminal. Use --print, --copy or --save.")
    if env and form not in (None, "env"):
        raise click.UsageError(f"--env and --format {form} exclude each other.")
    form = "env" if env else form
    if not chosen:
        return Wish(None if form is None else "print", form or "json")
    return Wish(chosen[0], form or "json", path)


class Delivery:
    """Hands the token over, as a person wishes.

    It is made before the sign-on, so that nobody grants access in vain.

    :param account: Whose place gets the token if it cannot be handed over.
    :raises CommandError: There is no standard output or no clipboard, or the
        file cannot be written.
    """

    def __init__(self, account: Account, wish: Wish) -> None:
        self._account = account
        self._wish = wish
        self._clipboard: Clipboard | None = None
        if wish.to == "print":
            require_output()
        elif wish.to == "copy":
            self._clipboard = _clipboard()
        elif wish.to == "save":
            self._file(wish.path).require_room()

    @property
    def is_wanted(self) -> bool:
        """Whether the token goes elsewhere than to the place of all tokens."""
        return self._wish.to is not None

    def hand_over(self, token: Token, place: str | None) -> str | None:
        """Hand the token over. If that fails, it is kept all the same.

        :param place: Where the token is kept; ``None`` if it is not.
        :returns: Where it is kept now.
        :raises CommandError: It could not be handed over.
        """
        wish = self._wish
        try:
            if wish.to == "ask":
                wish = self._asked()
            return self._handed(wish, token) or place
        except BaseException as error:
            if place is not None:
                raise
            kept = self._keep(token)
            fate = (
                f"The token is kept in {kept}, so that nobody will be asked again."
                if kept
                else "The token is not kept: sign on again."
            )
            if isinstance(error, CommandError):
                raise CommandError(f"{error.message} {fate}") from None
            say(f"\n{fate}")
            raise

    def _handed(self, wish: Wish, token: Token) -> str | None:
        text = formatted(self._account.stamp_service(token), wish.form)
        if wish.to == "print":
            answer(text)
        elif wish.to == "copy":
            say((self._clipboard or _clipboard())(text))
        elif wish.path is not None:
            file = self._file(wish.path)
            file.write(text)
            return file.path
        else:
            return keep(self._account, token)
        return None

    def _asked(self) -> Wish:
        """Ask where the token goes: each question if the last got a no."""
        wish: dict[str, Any] = {"form": self._wish.form}
        try:
            self._clipboard = _clipboard()
        except CommandError:
            pass
        else:
            if click.confirm("Copy the token to the clipboard?", err=True):
                return Wish("copy", **wish)
        if click.confirm("Print it?", err=True):
            return Wish("print", **wish)
        path = click.prompt(
            "Save it in the file (Enter: where your programs look for it)",
            default="",
            show_default=False,
            err=True,
        )
        return Wish("save", path=path or None, **wish)

    def _file(self, path: str | None) -> TokenCopy:
        from .copies import TokenCopy

        assert path is not None  # an option that needs one
        return TokenCopy(path, self._wish.form)

    def _keep(self, token: Token) -> str | None:
        """Keep a token in the place of all tokens, if that is possible."""
        try:
            return keep(self._account, token)
        except TickTickAuthError as error:
            warn(str(error))
            return None


def _clipboard() -> Clipboard:
    from .clipboard import find_clipboard

    return find_clipboard()
