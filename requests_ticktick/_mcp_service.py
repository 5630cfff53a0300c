"""TickTick's MCP server, which few programs call."""

from __future__ import annotations

from ._service import TICKTICK, Service

#: TickTick's MCP server. Its token is that of ``TICKTICK``, in the same file.
TICKTICK_MCP = Service(
    TICKTICK.authorization_endpoint,
    TICKTICK.token_endpoint,
    ["https://mcp.ticktick.com/"],
    issuer=TICKTICK.issuer,
    revocation_endpoint=TICKTICK.revocation_endpoint,
    registration_endpoint=TICKTICK.registration_endpoint,
)
