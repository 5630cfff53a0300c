"""The page at ``/``: what the sandbox saw, and buttons that make it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from flask import Blueprint, Response, request
from markupsafe import Markup

from ._controls import Controls
from ._templates import page

#: So many of the latest requests are shown.
_SHOWN_REQUESTS = 20

_HOME = Markup("""<h1>What it saw</h1>
{notice}<dl>{counts}</dl>
<h2 id="controls">What happens next</h2>
<form method="post" class="controls" aria-labelledby="controls">{buttons}</form>
<h2 id="latest">Latest requests</h2>
{latest}
<p class="to"><a href="/">Look again</a></p>
<p class="note">A sandbox on your own computer: there is no account, and
nothing leaves this machine.</p>""")

_NOTICE = Markup('<p class="notice" role="status">{text}</p>\n')
_COUNT = Markup("<div><dt>{name}</dt><dd>{count}</dd></div>")
_BUTTON = Markup('<button formaction="/control/{name}">{title}</button>\n')
_LATEST = Markup('<ol class="latest" aria-labelledby="latest">{requests}</ol>')
_REQUEST = Markup("<li><code>{method} {path}</code></li>")
_NONE_YET = Markup('<p class="to">None yet.</p>')


class _Control(NamedTuple):
    """A button, and what it does.

    :param done: What the page says afterwards.
    """

    title: str
    act: Callable[[Controls], object]
    done: str


_CONTROLS = {
    "revoke": _Control(
        "Revoke all tokens",
        lambda controls: controls.revoke_all(refresh_tokens=True),
        "All tokens are revoked: the next API call gets a 401.",
    ),
    "expire": _Control(
        "Let all tokens expire",
        lambda controls: controls.expire_all(),
        "All access tokens have expired: the next API call gets a 401.",
    ),
    "deny": _Control(
        "Deny the next sign-on",
        lambda controls: controls.deny(),
        "The next sign-on ends with access_denied.",
    ),
    "limit": _Control(
        "Rate limit the next call",
        lambda controls: controls.rate_limit(),
        "The next API call gets the 500 of TickTick's rate limit.",
    ),
}


class Home:
    """Shows counters and requests, and takes a person's orders.

    Another site's page cannot press the buttons: see ``_door``.

    :param controls: What can be seen and changed.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def blueprint(self) -> Blueprint:
        """Return the page and what its buttons lead to."""
        blueprint = Blueprint("home", __name__)
        blueprint.get("/")(self.show)
        blueprint.post("/control/<name>")(self.obey)
        return blueprint

    def show(self) -> Response:
        """Show what was seen until now."""
        done = _CONTROLS.get(request.args.get("done", ""))
        main = _HOME.format(
            notice=_NOTICE.format(text=done.done) if done is not None else "",
            counts=_joined(
                _COUNT.format(name=name, count=count) for name, count in self._counts()
            ),
            buttons=_joined(
                _BUTTON.format(name=name, title=control.title)
                for name, control in _CONTROLS.items()
            ),
            latest=self._latest(),
        )
        return page("TickTick sandbox", main, 200)

    def obey(self, name: str) -> Response:
        """Do what a button says, and show the page again."""
        control = _CONTROLS.get(name)
        if control is None:
            return Response("There is no such control.\n", 404, mimetype="text/plain")
        control.act(self._controls)
        # 303: to reload the page presses no button again (RFC 9110 15.4.4).
        return Response(status=303, headers={"Location": f"/?done={name}"})

    def _counts(self) -> Iterator[tuple[str, int]]:
        controls = self._controls
        yield "Sign-ons", controls.sign_ons
        yield "Token requests", controls.token_requests
        yield "API calls", controls.api_calls
        yield "Revocations", controls.revocation_requests
        yield "Registrations", controls.registration_requests

    def _latest(self) -> Markup:
        """List methods and paths, without queries: these hold secrets."""
        latest = self._controls.received[: -_SHOWN_REQUESTS - 1 : -1]
        if not latest:
            return _NONE_YET
        return _LATEST.format(
            requests=_joined(
                _REQUEST.format(method=each.method, path=each.path) for each in latest
            )
        )


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
