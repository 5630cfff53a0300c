"""The names of profiles, of which each has a file."""

from __future__ import annotations

import os
import re

from .._pasted import unwrapped


def profile_of_environment() -> str | None:
    """Return the profile that ``TICKTICK_PROFILE`` names, if it is set.

    :raises ValueError: No profile can have that name.
    """
    profile = unwrapped(os.environ.get("TICKTICK_PROFILE", ""))
    if profile:
        require_profile(profile, where=" in TICKTICK_PROFILE")
    return profile or None


def require_profile(profile: str, *, where: str = "") -> None:
    """Require that a profile has a name that is safe as a file's name.

    :param where: What named it, as the end of a sentence.
    :raises ValueError: It has not.
    """
    if not re.fullmatch(r"\w[\w.@+-]*", profile):
        raise ValueError(
            f"A profile is letters, digits and . _ @ + - alone, not {profile!r}{where}"
        )
