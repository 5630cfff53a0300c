"""An MCP server for TickTick. Its errors tell the client what to do next."""

import requests
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    TickTickAuth,
    TickTickAuthError,
    refuse,
)

NAMES = (
    *("TICKTICK_TOKEN", "TICKTICK_ACCESS_TOKEN"),
    *("TICKTICK_API_TOKEN", "TICKTICK_API_KEY"),
)

session = requests.Session()
session.auth = TickTickAuth(
    store=ChainStore([*map(EnvStore, NAMES), FileStore()]), sign_on=refuse
)
server = MCPServer("TickTick")


@server.tool()
def projects() -> list[str]:
    """List the names of the person's projects."""
    url = "https://api.ticktick.com/open/v1/project"
    try:
        response = session.get(url, timeout=30)
    except TickTickAuthError as error:
        raise ToolError(str(error)) from error
    if response.status_code == 401:
        raise ToolError("TickTick refused the token. Run: requests-ticktick login")
    response.raise_for_status()
    return [project["name"] for project in response.json()]


if __name__ == "__main__":
    server.run()
