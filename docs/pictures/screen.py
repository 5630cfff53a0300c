"""A browser's page, and pictures of it in light and dark."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

from browser import Browser  # from tests/support
from PIL import Image

WIDTH, HEIGHT = 520, 280
#: Two dots for each of a page's, for displays that have them.
SCALE = 2
#: Flat pages need no more colours, and are a third as large with them.
COLOURS = 48


class Screen:
    """A headless browser.

    :param folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        path = shutil.which("chromium")
        assert path, "The pictures need Chromium."
        self.browser = Browser(path, folder / "profile", str(folder))

    def opens(self, url: str) -> None:
        """Open a page in a new tab."""
        self.browser.opens(url)

    def clicks(self, selector: str) -> None:
        """Click on something."""
        self.browser.runs(f"document.querySelector({selector!r}).click()")

    def saves(self, path: Path) -> None:
        """Save ``...-light.png`` and ``...-dark.png``, as high as the page."""
        does = self.browser.does
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            does("Emulation.setEmulatedMedia", features=features)
            size = {"width": WIDTH, "deviceScaleFactor": SCALE, "mobile": False}
            does("Emulation.setDeviceMetricsOverride", height=HEIGHT, **size)
            height = self.browser.runs("document.documentElement.scrollHeight")
            does("Emulation.setDeviceMetricsOverride", height=height, **size)
            png = base64.b64decode(does("Page.captureScreenshot")["data"])
            image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
            image.save(f"{path}-{scheme}.png", optimize=True)
