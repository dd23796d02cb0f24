"""Drawn events and queries of the tests of the index."""

from __future__ import annotations

from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from tests.kept import START_NS
from tests.searched import events_that, queries_of

events = events_that(st.integers(0, 12).map(lambda n: n / 2), "1234")
moments = (
    st.none()
    | st.integers(-1, 7000).map(lambda ms: START_NS + ms * NS_PER_MS + 1)
    | st.integers(0, 6).map(lambda s: START_NS + s * NS_PER_S)
)
queries = queries_of(moments)
