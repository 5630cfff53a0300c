"""How HTTPie finds our plugin where the package is only on the path."""

from __future__ import annotations

import os
from importlib import metadata

GROUP = "httpie.plugins.auth.v1"
PLUGIN = "ticktick = requests_ticktick.httpie:TickTickAuthPlugin"


def plugin_path(folder):
    """Return what is to be added to ``PYTHONPATH``: often nothing.

    :param folder: Gets what an installed package has.
    """
    if metadata.entry_points(group=GROUP, name="ticktick"):
        return ""
    info = folder / "ticktick_plugin-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: t\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{PLUGIN}\n")
    return os.pathsep + str(folder)
