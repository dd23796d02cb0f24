"""The requests to an ONVIF device for its motion events, and the parsing of its answers. Pure.

Sources: ONVIF Core Specification 22.12, chapters 8.3 (time) and 9 (events), and the event topics
that manufacturers document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as Tree

from domain.camera_states import Why
from domain.clock import NS_PER_S
from domain.errors import SourceUnreachable
from ingest.onvif.soap import Element, SoapRequest, elements, first_element, first_text

PULL_S, LEASE_S, RENEW_EVERY_S = 5, 60, 20
"""The duration of a poll, the duration of a subscription without renewal, and the interval of
renewals.
"""
MAX_ACTIVE_S = 600.0
"""A condition that is not repeated for so long has ended, because some devices do not report the
end.
"""
_MAX_ACTIVE = 100
_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_WSNT = "http://docs.oasis-open.org/wsn/b-2"
_TOPICS = {
    "CellMotionDetector",
    "MotionRegionDetector",
    "MotionAlarm",
    "MotionDetection",
    "FieldDetector",
    "DigitalInput",
}
_AXIS_MOTION = "VMD"
"""The prefix of the topics of Axis's motion applications: VMD, VMD3, VMD4."""

GET_TIME = SoapRequest(
    f"{_DEVICE}/GetSystemDateAndTime", f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>', is_open=True
)
GET_CAPABILITIES = SoapRequest(
    f"{_DEVICE}/GetCapabilities",
    f'<GetCapabilities xmlns="{_DEVICE}"><Category>Events</Category></GetCapabilities>',
)
SUBSCRIBE = SoapRequest(
    f"{_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
    "<CreatePullPointSubscription "
    f'xmlns="{_EVENTS}"><InitialTerminationTime>PT{LEASE_S}S</InitialTerminationTime>'
    "</CreatePullPointSubscription>",
)
PULL = SoapRequest(
    f"{_EVENTS}/PullPointSubscription/PullMessagesRequest",
    "<PullMessages "
    f'xmlns="{_EVENTS}"><Timeout>PT{PULL_S}S</Timeout><MessageLimit>100</MessageLimit></PullMessages>',
)
RENEW = SoapRequest(
    "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
    f'<Renew xmlns="{_WSNT}"><TerminationTime>PT{LEASE_S}S</TerminationTime></Renew>',
)
UNSUBSCRIBE = SoapRequest(
    "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
    f'<Unsubscribe xmlns="{_WSNT}"/>',
)


def device_time_ns(body: Element) -> int | None:
    """Return the device's clock in UTC nanoseconds; None if it is not stated."""
    names = (
        ("Date", "Year"),
        ("Date", "Month"),
        ("Date", "Day"),
        ("Time", "Hour"),
        ("Time", "Minute"),
        ("Time", "Second"),
    )
    try:
        year, month, day, hour, minute, second = (
            int(first_text(body, "UTCDateTime", *name)) for name in names
        )
        return (
            int(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp())
            * NS_PER_S
        )
    except (ValueError, OverflowError):
        return None


def events_address(body: Element) -> str:
    """Return the address for subscriptions. Raises SourceUnreachable if the device has no
    events.
    """
    address = first_text(body, "Events", "XAddr")
    if not address:
        raise SourceUnreachable("the ONVIF device has no events", Why.REJECTED)
    return address


@dataclass(frozen=True, slots=True)
class Subscription:
    address: str
    references: str
    """The XML headers that the device requires in each request about this subscription."""


def subscription(body: Element) -> Subscription:
    """Parse a subscription. Raises SourceUnreachable if there is none."""
    address = first_text(body, "SubscriptionReference", "Address")
    if not address:
        raise SourceUnreachable("the ONVIF device gave no subscription", Why.REJECTED)
    parameters = first_element(body, "SubscriptionReference", "ReferenceParameters")
    return Subscription(
        address,
        "".join(
            Tree.tostring(one, "unicode") for one in (parameters if parameters is not None else ())
        ),
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that motion or a digital input began (`is_on`) or ended."""

    what: str
    """The topic and the source in the device, which identify what ends and inform people."""
    is_on: bool
    lasts: bool
    """Whether it lasts until another notice ends it; otherwise it is momentary."""


def notices(body: Element) -> tuple[Notice, ...]:
    """Return the notices of motion in an answer, in its order; others are ignored."""
    return tuple(
        found for message in elements(body, "NotificationMessage") if (found := _notice(message))
    )


def _notice(message: Element) -> Notice | None:
    topic = [part.rpartition(":")[2] for part in first_text(message, "Topic").split("/")]
    contents = list(elements(message, "Message"))  # ONVIF's own within that of WS-Notification
    if not contents or not any(part in _TOPICS or part.startswith(_AXIS_MOTION) for part in topic):
        return None
    content = contents[-1]
    operation = content.get("PropertyOperation", "")
    sources = " ".join(f"{name}={value}" for name, value in _items(content, "Source"))
    is_true = any(value.lower() in ("true", "1") for _, value in _items(content, "Data"))
    return Notice(
        f"{'/'.join(topic)} {sources}".strip()[:200],
        is_true and operation != "Deleted",
        bool(operation),
    )


def _items(content: Element, part: str) -> list[tuple[str, str]]:
    items = first_element(content, part)
    return (
        [(one.get("Name", ""), one.get("Value", "")) for one in elements(items, "SimpleItem")]
        if items is not None
        else []
    )


class ActiveNotices:
    """Tracks the active conditions of a device by its notices."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}
        self._updated_ns = 0

    def update(
        self, received: Iterable[Notice], now_s: float, now_ns: int
    ) -> tuple[int, int, str] | None:
        """Return the range (UTC ns) since the last call in which a condition was active, and the
        condition; None without one.
        """
        continuing = next(iter(self._since_s), "")
        begun = ""
        for notice in received:
            begun = begun or (notice.what if notice.is_on else "")
            if notice.is_on and notice.lasts and len(self._since_s) < _MAX_ACTIVE:
                self._since_s[notice.what] = now_s
            elif not notice.is_on:
                self._since_s.pop(notice.what, None)
        self._since_s = {
            what: since_s
            for what, since_s in self._since_s.items()
            if now_s - since_s < MAX_ACTIVE_S
        }
        start_ns, self._updated_ns = min(self._updated_ns, now_ns) if continuing else now_ns, now_ns
        return (start_ns, now_ns, continuing or begun) if continuing or begun else None
