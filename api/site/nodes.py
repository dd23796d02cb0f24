"""The route of nodes: the machines of the site, with the figures that each reports."""

from __future__ import annotations

from pydantic import Field

from api.access.api_context import Context, Visible
from api.requests.answers import Answer
from api.requests.cursors import MAX_ITEMS, ListLimit, ascending
from api.requests.parameters import Next
from domain.stored_model import WallNs
from storage.site.node_reports import KnownNode, NodeReport, NodeState


class NodeView(Answer):
    """A node of the site."""

    id: str = Field(description="its name (`SIGHTLINE_NODE`)")
    state: NodeState = Field(
        description="`draining`: it accepts no camera, because it stops or all its workers fail"
    )
    seen_at: WallNs = Field(description="time of its last heartbeat")
    offline_since: WallNs | None = Field(description="the same while it is offline; otherwise null")
    report: NodeReport | None = Field(
        description="its last figures, which stay while it is offline; null without any"
    )

    @classmethod
    def of(cls, node: KnownNode) -> NodeView:
        return cls(
            id=node.name,
            state=node.state,
            seen_at=node.seen_ns,
            offline_since=node.seen_ns if node.state is NodeState.OFFLINE else None,
            report=node.report,
        )


class NodeList(Answer):
    """One page of nodes."""

    items: list[NodeView] = Field(description="by name")
    next: str | None = Field(description="cursor of the next page; null on the last")


def list_nodes(
    context: Context, visible: Visible, limit: ListLimit = MAX_ITEMS, next_: Next = None
) -> NodeList:
    """List the nodes of the site. A node that is offline stays listed for 30 days."""
    nodes = context.nodes.all()
    page = ascending(nodes, lambda node: node.name, "nodes", visible, limit, next_)
    return NodeList(items=[NodeView.of(node) for node in page.items], next=page.next)
