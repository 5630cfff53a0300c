"""Paths of the sandbox's API."""

from __future__ import annotations

PROJECT = "/open/v1/project"
