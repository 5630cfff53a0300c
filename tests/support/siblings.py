"""Processes that share one store, each with an auth of its own."""

from __future__ import annotations

from clients import client_of


def twin(store):
    """Another object for the same place, as another process has it."""
    other = type(store)()
    other.__dict__ = vars(store)
    return other


def processes(sandbox, clock, store):
    """Two auths, each with an object of its own for the same place."""
    return [client_of(sandbox, s, clock=clock) for s in (store, twin(store))]
