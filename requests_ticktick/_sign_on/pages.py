"""The pages that a browser is shown. They quote nothing from a request."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

#: Sent with every page. Its URL contains the code, so neither page nor URL may
#: be stored or passed on. It needs no scripts and loads nothing.
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Connection", "close"),
)

_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{
  margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1.125rem/1.6 system-ui, sans-serif;
  color: #1b1f24; background: #f5f6f8;
}}
main {{
  box-sizing: border-box; width: min(32rem, 100%); padding: 2rem;
  border-top: .25rem solid {colour}; background: #fff;
}}
h1 {{ margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.3; }}
p {{ margin: 0; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6e8eb; background: #14171a; }}
  main {{ background: #1e2226; }}
}}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""


class Page(NamedTuple):
    """One page.

    :param final: Whether the sign-on ends with this page.
    :param location: The URL that the browser is redirected to instead.
    """

    status: int
    title: str
    text: str
    colour: str = "#8a6d00"
    final: bool = False
    location: str | None = None

    def html(self) -> bytes:
        """Render the page."""
        text = _HTML.format(title=self.title, text=self.text, colour=self.colour)
        return text.encode()


def redirect_to(url: str) -> Page:
    """Return a page that redirects a browser.

    :param url: The target. Characters that a header cannot contain are
        escaped.
    """
    location = quote(url, safe="!#$%&'()*+,/:;=?@[]~")
    return Page(
        302, "One moment", "Your browser is being redirected.", location=location
    )


GRANTED = Page(
    200,
    "Access was granted",
    "You can close this tab and go back to your program.",
    colour="#2e7d4f",
    final=True,
)
DENIED = Page(
    200,
    "Access was not granted",
    "You can close this tab. Your program shows what to do next.",
    colour="#b3261e",
    final=True,
)
ANSWERED = Page(
    409,
    "This sign-on has already been answered",
    "You can close this tab.",
)
STRAY = Page(
    400,
    "This is not the sign-on that your program is waiting for",
    "It may be an older one. Open the address that your program showed last.",
)
STARTED = Page(
    409,
    "This address was opened before",
    "If that was not you, stop your program and start it again. Otherwise open the "
    "address that it showed.",
)
ANOTHER_USER = Page(
    403,
    "This is the sign-on of another user of this machine",
    "Your program shows an address that you can open.",
)
NOT_FOUND = Page(
    404,
    "Nothing is here",
    "Your program is waiting for a sign-on at another address.",
)
WRONG_HOST = Page(
    421,
    "Nothing is here under this name",
    "Your program is waiting for a sign-on at the registered redirect URI.",
)
WRONG_METHOD = Page(
    405,
    "This cannot be sent here",
    "Your program is waiting for a browser that is redirected to it.",
)
MALFORMED = Page(
    400,
    "This request cannot be read",
    "Your program is still waiting. Open the address that it showed last.",
)
