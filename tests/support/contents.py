"""What a token file holds, and what its folder does."""

from __future__ import annotations

import json
from pathlib import Path

TOKEN = "628ff081-5331-4a37-8ddc-021974c9f43a"


JSON = json.dumps({"access_token": TOKEN, "expire_time": 1777636800})


def everything_in(folder):
    return {entry.name: entry.read_bytes() for entry in Path(folder).iterdir()}
