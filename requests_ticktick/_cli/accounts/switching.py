"""Which profile programs use that name none: the default is a link to it."""

from __future__ import annotations

import contextlib
import os
import secrets

import click

from ...stores import FileStore
from ..output import CommandError
from ..profiles import file_of, profiles, rename_client, unknown_profile

_DEFAULT = "default"

#: Seconds that a sign-on has to end.
_LOCK_SECONDS = 10.0


def switch_to(profile: str, keep_as: str | None) -> str:
    """Make a profile the default, and return what was done.

    A link is followed by all programs, and saved through: they share the
    profile's file and its lock.

    :param keep_as: The new name of the default profile, if it has a token.
    :raises CommandError: There is no such profile, or no link can be made.
    """
    _require_profile(profile)
    link, target = file_of(_DEFAULT), file_of(profile)
    with contextlib.ExitStack() as stack:
        if os.path.exists(link) and not os.path.islink(link):
            # A program may be saving its token there.
            stack.enter_context(FileStore(link).lock(_LOCK_SECONDS))
            _rename_default(link, keep_as)
        _link(os.path.basename(target), link)
    return f"Programs use the profile {profile} from now on."


def _require_profile(profile: str) -> None:
    if profile == _DEFAULT:
        raise CommandError(
            "The default is what this command changes: name another profile, such as "
            f"{next((p for p in profiles() if p != _DEFAULT), 'work')}."
        )
    if profile not in profiles():
        hint = " ".join(unknown_profile(profile)) or f"There is no profile {profile}."
        raise CommandError(
            f"{hint} A new one is made by: requests-ticktick login --profile NAME"
        )


def _rename_default(link: str, keep_as: str | None) -> None:
    if keep_as is None:
        raise CommandError(
            "The default profile has a token of its own. Give it a name to keep it: "
            "--keep-as NAME"
        )
    try:
        path = file_of(keep_as)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--keep-as") from None
    if os.path.lexists(path):
        raise CommandError(
            f"There is a profile {keep_as} already: choose another name for --keep-as."
        )
    try:
        os.rename(link, path)
        rename_client(link, path)
    except OSError as error:
        raise CommandError(
            f"{link} cannot be renamed: {error.strerror}. Make its folder writable."
        ) from None


def _link(target: str, link: str) -> None:
    temporary = f"{link}.{secrets.token_hex(8)}.link"
    try:
        os.symlink(target, temporary)
        os.replace(temporary, link)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise CommandError(
            f"No link can be made here: {error.strerror or type(error).__name__}. Set "
            f"TICKTICK_PROFILE={target.removesuffix('.json')} instead."
        ) from None
