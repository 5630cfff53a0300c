"""The parameters in the body of a response (RFC 6749 5)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

#: The keys of an error's code and its description: those of RFC 6749 5.2, of
#: TickTick's API, and other common ones.
ERROR_KEYS = ("error", "errorCode", "error_code", "code")
DESCRIPTION_KEYS = ("error_description", "errorMessage", "message", "msg", "detail")

#: Parameters of a form. A token response has a handful.
_MAX_FIELDS = 50

#: Digits of a number. Python parses no integer of more than 4300.
_MAX_DIGITS = 400


def parameters_of(body: bytes, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a response's parameters, or ``None`` if it has none.

    They are JSON (RFC 6749 5.1), or a form as some servers send it.
    """
    parameters = _from_json(body)
    if parameters is None and _is_form(headers):
        return _from_form(body)
    return parameters


def _from_json(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(_decoded(body), parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _decoded(body: bytes) -> str:
    """Decode JSON, which is UTF-8 by RFC 8259, but not from every proxy.

    What matters of it is ASCII: an error's code, a token, a lifetime.
    """
    return body.decode(json.detect_encoding(body), "replace")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _is_form(headers: Mapping[str, str]) -> bool:
    kind = headers.get("Content-Type", "").partition(";")[0]
    return kind.strip().lower() == "application/x-www-form-urlencoded"


def _from_form(body: bytes) -> dict[str, Any] | None:
    """Return the parameters of a form, as some servers send instead of JSON.

    RFC 6749 names its parameters for both. None may occur twice.
    """
    try:
        fields = parse_qsl(body.decode().strip(), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    payload = dict(fields)
    return payload if fields and len(payload) == len(fields) else None


def _objects_in(payload: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Yield the object of a response, and the objects directly within it."""
    if payload is not None:
        yield payload
        for value in payload.values():
            nested = value[0] if isinstance(value, list) and value else value
            if isinstance(nested, dict):
                yield nested


def secrets_in(payload: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the tokens and secrets of a response."""
    for found in _objects_in(payload):
        for name, value in found.items():
            if name.lower().endswith(("token", "secret")) and isinstance(value, str):
                yield value


def first(keys: Iterable[str], payload: Mapping[str, Any] | None) -> str:
    """Return the first string or number under one of these keys."""
    for found in _objects_in(payload):
        for key in keys:
            value = found.get(key)
            if isinstance(value, (str, int)) and value and value is not True:
                return str(value)
    return ""
