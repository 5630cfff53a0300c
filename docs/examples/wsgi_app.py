"""A web application whose workers are forked, and share one token."""

import requests

from requests_ticktick import TickTickAuth, refuse

API = "https://api.ticktick.com/open/v1"

auth = TickTickAuth(sign_on=refuse)  # made once, before the workers are


def app(environ, start_response):
    """Answer each request with the account's lists."""
    response = requests.get(f"{API}/project", auth=auth, timeout=30)
    start_response(f"{response.status_code} ", [("Content-Type", "application/json")])
    return [response.content]
