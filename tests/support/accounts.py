"""The sandbox's API, called as an account's owner calls it."""

from __future__ import annotations

from typing import Any

import requests
from sandbox_app import call

from requests_ticktick.sandbox import Sandbox


class Account:
    """Calls the API as an account's owner: ``account.post("/task", title="a")``."""

    def __init__(self, sandbox: Sandbox, scope: str = "tasks:read tasks:write") -> None:
        self.sandbox = sandbox
        self.token = sandbox.issue_token(scope=scope)

    def get(self, path: str) -> Any:
        return self._answered("GET", path)

    def post(self, path: str, *many: Any, **fields: Any) -> Any:
        return self._answered("POST", path, json=list(many) if many else fields)

    def delete(self, path: str) -> Any:
        return self._answered("DELETE", path)

    def sends(self, method: str, path: str, **options: Any) -> requests.Response:
        return call(self.sandbox, self.token, method, path, **options)

    def _answered(self, method: str, path: str, **options: Any) -> Any:
        answer = self.sends(method, path, **options)
        assert answer.status_code == 200, answer.text
        assert "null" not in answer.text
        return answer.json() if answer.content else None
