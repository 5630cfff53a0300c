"""HTTPie's plugin: ``http -A ticktick https://api.ticktick.com/open/v1/project``.

``http`` imports this module at every start, whatever it is to do. What a
request needs is imported for the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpie.plugins import AuthPlugin  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from requests.auth import AuthBase


class TickTickAuthPlugin(AuthPlugin):  # type: ignore[misc]  # see above
    """Sends the token of ``requests-ticktick login``.

    ``-a PROFILE`` chooses one of several accounts. Nobody is asked for
    anything: HTTPie reads standard input itself.
    """

    name = "TickTick's token"
    description = "that of 'requests-ticktick login', for TickTick's API alone"
    auth_type = "ticktick"
    #: There is one account without it.
    auth_require = False
    #: It is a profile, and no user with a password.
    auth_parse = netrc_parse = prompt_password = False
    raw_auth: str | None = None

    def get_auth(
        self, username: str | None = None, password: str | None = None
    ) -> AuthBase:
        """Return the auth of an account.

        It raises nothing, since HTTPie would show a traceback. Whatever is
        wrong is said by the auth, as an error of the request.

        :param username: Those of a session file of another plugin. They are
            not used, as the password is ``password``'s.
        """
        from ._httpie_auth import CommandLineAuth

        auth = CommandLineAuth(self.raw_auth or None)
        # HTTPie writes it into the file of a session, next.
        self.raw_auth = auth.profile
        return auth
