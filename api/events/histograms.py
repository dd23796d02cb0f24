"""The route of histograms: the number of matching events in equal spans of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query

from api.access.api_context import Context, Visible
from api.events.models import HistogramView
from api.events.unanalysed import unanalysed
from api.requests.numbers import WholeNumber
from api.requests.parameters import event_query
from api.requests.times import check_order
from domain.clock import MS_PER_HOUR, NS_PER_DAY, NS_PER_MS, S_PER_DAY
from domain.errors import QueryInvalid
from domain.events.query import EventQuery
from storage.index.counts import Buckets

SPAN_NS = 30 * NS_PER_DAY
"""The range that is counted without `from`."""
MAX_BUCKETS = 1_000
_WIDTHS_S = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    14_400,
    21_600,
    43_200,
    S_PER_DAY,
)

Filters = Annotated[EventQuery, Depends(event_query)]
BucketS = Annotated[
    WholeNumber | None,
    Query(ge=1, le=366 * S_PER_DAY, description="seconds of a bucket, in place of `buckets`"),
]
Count = Annotated[
    WholeNumber,
    Query(
        alias="buckets",
        ge=1,
        le=MAX_BUCKETS,
        description="most buckets; their width is the next round one",
    ),
]


def read_histogram(
    context: Context, visible: Visible, query: Filters, bucket_s: BucketS = None, count: Count = 60
) -> HistogramView:
    """Count the matching events in each bucket. `to` is by default now, `from` 30 days before."""
    to_ns = context.clock.wall_ns() if query.to_ns is None else query.to_ns
    from_ns = max(0, to_ns - SPAN_NS) if query.from_ns is None else query.from_ns
    check_order(from_ns, to_ns)
    buckets = buckets_of(from_ns // NS_PER_MS, -(-to_ns // NS_PER_MS), bucket_s, count)
    query = replace(query, from_ns=from_ns, to_ns=to_ns)
    found = context.events.histogram(query, visible, buckets)
    start_ns, width_s = buckets.start_ms * NS_PER_MS, buckets.width_ms // 1000
    return HistogramView(
        from_=start_ns,
        to=to_ns,
        bucket_s=width_s,
        counts=found.counts,
        total=sum(found.counts),
        exact=found.exact,
        whole_from=found.whole_from_ns,
        unanalysed=unanalysed(context, query, visible),
    )


def buckets_of(from_ms: int, to_ms: int, width_s: int | None, most: int) -> Buckets:
    """Return the buckets that cover [from, to).

    Buckets of an hour and more begin on the hour, others on a multiple of their width. Raises
    QueryInvalid where there would be too many.
    """
    width_ms = 1000 * (_round_width_s(from_ms, to_ms, most) if width_s is None else width_s)
    start_ms = _start_ms(from_ms, width_ms)
    count = -(-(to_ms - start_ms) // width_ms)
    if count > MAX_BUCKETS:
        raise QueryInvalid(
            "bucket_s",
            "makes {count} buckets of this time; at most {max_buckets}, so "
            "give a longer one or less time",
            count=count,
            max_buckets=MAX_BUCKETS,
        )
    return Buckets(start_ms, width_ms, count)


def _round_width_s(from_ms: int, to_ms: int, most: int) -> int:
    """Return the smallest round width for which `most` buckets are enough."""
    days = -(-(to_ms - from_ms) // (most * S_PER_DAY * 1000))
    widths = (*_WIDTHS_S, days * S_PER_DAY, (days + 1) * S_PER_DAY)
    return next(
        (
            width
            for width in widths
            if -(-(to_ms - _start_ms(from_ms, width * 1000)) // (width * 1000)) <= most
        ),
        widths[-1],
    )


def _start_ms(from_ms: int, width_ms: int) -> int:
    return from_ms - from_ms % min(width_ms, MS_PER_HOUR)
