"""What is asked of an ONVIF device to hear of motion, and what it answers. Pure.

Source: ONVIF Core Specification 22.12, chapters 8.3 (time) and 9 (events), and the event topics
that makers document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as Tree

from domain.camera_states import Why
from domain.clock import NS_PER_S
from domain.errors import SourceUnreachable
from ingest.onvif.soap import Element, SoapRequest, every, first, text

PULL_S, LEASE_S, RENEW_EVERY_S = 5, 60, 20
"""How long the device may wait for news, how long a subscription lasts unless it is renewed,
and how often that is done.
"""
HELD_S = 600.0
"""What began and is not said again for so long is over: devices forget to say so."""
_MAX_HELD = 100
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
"""Topics of Axis's motion applications begin with it: VMD, VMD3, VMD4."""

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
    """The device's clock, UTC nanoseconds; None where it does not say."""
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
            int(text(body, "UTCDateTime", *name)) for name in names
        )
        return (
            int(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp())
            * NS_PER_S
        )
    except (ValueError, OverflowError):
        return None


def events_address(body: Element) -> str:
    """Where the device takes subscriptions. Raises SourceUnreachable where it has no events."""
    address = text(body, "Events", "XAddr")
    if not address:
        raise SourceUnreachable("the ONVIF device has no events", Why.REJECTED)
    return address


@dataclass(frozen=True, slots=True)
class Subscription:
    address: str
    references: str
    """XML that the device wants as headers of whatever is said to it about this subscription."""


def subscription(body: Element) -> Subscription:
    """Raises SourceUnreachable where there is none."""
    address = text(body, "SubscriptionReference", "Address")
    if not address:
        raise SourceUnreachable("the ONVIF device gave no subscription", Why.REJECTED)
    parameters = first(body, "SubscriptionReference", "ReferenceParameters")
    return Subscription(
        address,
        "".join(
            Tree.tostring(one, "unicode") for one in (parameters if parameters is not None else ())
        ),
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """Motion, or a digital input, began (`is_on`) or ended."""

    what: str
    """The topic, and which of the device's sources, for people and to know what ends what began."""
    is_on: bool
    lasts: bool
    """It goes on until another notice ends it; otherwise it is of a moment."""


def notices(body: Element) -> tuple[Notice, ...]:
    """Those of an answer that are of motion, in its order; others are nobody's fault and are
    left out.
    """
    return tuple(
        found for message in every(body, "NotificationMessage") if (found := _notice(message))
    )


def _notice(message: Element) -> Notice | None:
    topic = [part.rpartition(":")[2] for part in text(message, "Topic").split("/")]
    contents = list(every(message, "Message"))  # ONVIF's own within that of WS-Notification
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
    holder = first(content, part)
    return (
        [(one.get("Name", ""), one.get("Value", "")) for one in every(holder, "SimpleItem")]
        if holder is not None
        else []
    )


class ActiveNotices:
    """What goes on at a device, by its notices."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}
        self._looked_ns = 0

    def take(
        self, received: Iterable[Notice], now_s: float, now_ns: int
    ) -> tuple[int, int, str] | None:
        """The range (UTC ns) that triggers by what came and what went on since the last call,
        and what it was; None for nothing.
        """
        went_on = next(iter(self._since_s), "")
        begun = ""
        for notice in received:
            begun = begun or (notice.what if notice.is_on else "")
            if notice.is_on and notice.lasts and len(self._since_s) < _MAX_HELD:
                self._since_s[notice.what] = now_s
            elif not notice.is_on:
                self._since_s.pop(notice.what, None)
        self._since_s = {
            what: since_s for what, since_s in self._since_s.items() if now_s - since_s < HELD_S
        }
        start_ns, self._looked_ns = min(self._looked_ns, now_ns) if went_on else now_ns, now_ns
        return (start_ns, now_ns, went_on or begun) if went_on or begun else None
