"""Nodes compute equal assignments within bounds, and a change moves few cameras."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cluster.node_assignment import SLACK, assign

Cities = st.tuples(
    st.dictionaries(
        st.text("abcdefgh0123456789-", min_size=1, max_size=8),
        st.sampled_from([0.1, 1.0, 1.0, 8.0]),
        max_size=60,
    ),
    st.dictionaries(
        st.sampled_from([f"node-{number}" for number in range(6)]),
        st.sampled_from([0.0, 2.0, 4.0, 16.0]),
        min_size=1,
    ),
)


@given(Cities)
def test_every_camera_has_one_living_node_and_none_is_far_above_its_part(
    city: tuple[dict[str, float], dict[str, float]],
) -> None:
    loads, capacities = city
    placed = assign(loads, capacities)
    living = {node: capacity for node, capacity in capacities.items() if capacity}
    if not living:
        assert placed == {}
        return
    assert placed.keys() == loads.keys()
    assert set(placed.values()) <= living.keys()
    for node, capacity in living.items():
        part = sum(loads.values()) * capacity / sum(living.values())
        assert (
            sum(loads[camera] for camera in loads if placed[camera] == node)
            <= SLACK * part + max(loads.values(), default=0) + 1e-6
        )
    shuffled = sorted(loads, reverse=True)
    assert (
        assign({name: loads[name] for name in shuffled}, dict(reversed(capacities.items())))
        == placed
    )


@pytest.mark.parametrize("nodes", [2, 3, 5, 10])
def test_a_node_more_or_less_moves_little_more_than_its_part(nodes: int) -> None:
    loads = {f"cam-{number:04}": 1.0 for number in range(1000)}
    few = {f"node-{number}": 2.0 for number in range(nodes)}
    before, after = assign(loads, few), assign(loads, few | {"new": 2.0})
    moved = [camera for camera in loads if before[camera] != after[camera]]
    assert len(moved) <= 1.25 * len(loads) / (nodes + 1) + 5
    assert sum(after[camera] == "new" for camera in loads) >= 0.8 * len(loads) / (nodes + 1)


def test_capacity_is_weight() -> None:
    placed = assign({f"cam-{number}": 1.0 for number in range(600)}, {"small": 2.0, "large": 4.0})
    assert sum(node == "large" for node in placed.values()) == pytest.approx(400, abs=40)
