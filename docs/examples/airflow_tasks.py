"""A task of Airflow that calls TickTick's API."""

from airflow.providers.http.hooks.http import HttpHook

from requests_ticktick import TickTickAuth


def projects():
    """Return the account's lists."""
    hook = HttpHook("GET", http_conn_id="ticktick", auth_type=TickTickAuth)
    return hook.run("/open/v1/project").json()
