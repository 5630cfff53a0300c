"""Packages that import each of their names when it is first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def lazily(
    package: str, modules: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    A type checker must not see them, or it would believe in every name. It
    reads imports below ``if TYPE_CHECKING``.

    :param package: The package's ``__name__``.
    :param modules: The names that each of its modules has.
    """
    module_of = {name: module for module, names in modules.items() for name in names}
    namespace = vars(sys.modules[package])

    def find(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(import_module(f".{module_of[name]}", package), name)
        namespace[name] = found  # so that it is not looked for again
        return found

    return find, lambda: sorted({*namespace, *module_of})
