"""Answers of devices in several makers' shapes, damaged ones, and what triggers by them."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from domain.errors import SourceError, SourceRejected, SourceUnreachable
from ingest.onvif.events import (
    MAX_ACTIVE_S,
    PULL,
    ActiveNotices,
    Notice,
    device_time_ns,
    events_address,
    notices,
    subscription,
)
from ingest.onvif.soap import Token, envelope, parse_answer

HIKVISION = """<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tev="e" xmlns:wsnt="n" xmlns:tt="t" xmlns:tns1="x">
<env:Body><tev:PullMessagesResponse><tev:CurrentTime>2026-11-24T08:00:00Z</tev:CurrentTime><wsnt:NotificationMessage>
<wsnt:Topic Dialect="d">tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic><wsnt:Message>
<tt:Message UtcTime="2026-11-24T08:00:00Z" PropertyOperation="Changed"><tt:Source>
<tt:SimpleItem Name="VideoSourceConfigurationToken" Value="1"/><tt:SimpleItem Name="Rule" Value="MyMotion"/></tt:Source>
<tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
</tev:PullMessagesResponse></env:Body></env:Envelope>"""  # noqa: E501
DAHUA = """<s:Envelope xmlns:s="s"><s:Header/><s:Body><PullMessagesResponse xmlns="e"><NotificationMessage xmlns="n">
<Topic>tns1:VideoSource/MotionAlarm</Topic><Message><Message xmlns="t" PropertyOperation="Initialized">
<Source><SimpleItem Name="Source" Value="000"/></Source><Data><SimpleItem Name="State" Value="false"/></Data></Message></Message>
</NotificationMessage><NotificationMessage xmlns="n"><Topic>tns1:Device/tns1:Trigger/tns1:DigitalInput</Topic><Message>
<Message xmlns="t" PropertyOperation="Changed"><Source><SimpleItem Value="in1" Name="InputToken"/></Source>
<Data><SimpleItem Value="1" Name="LogicalState"/></Data></Message></Message></NotificationMessage></PullMessagesResponse></s:Body>
</s:Envelope>"""  # noqa: E501
AXIS = """<S:Envelope xmlns:S="s"><S:Body><r:PullMessagesResponse xmlns:r="e"><a:NotificationMessage xmlns:a="n">
<a:Topic>tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY</a:Topic><a:Message><m:Message xmlns:m="t"><m:Source/>
<m:Data><m:SimpleItem Name="active" Value="True"/></m:Data></m:Message></a:Message></a:NotificationMessage>
<a:NotificationMessage xmlns:a="n"><a:Topic>tns1:Monitoring/ProcessorUsage</a:Topic><a:Message><m:Message xmlns:m="t">
<m:Data><m:SimpleItem Name="Value" Value="1"/></m:Data>
</m:Message></a:Message></a:NotificationMessage></r:PullMessagesResponse></S:Body></S:Envelope>"""  # noqa: E501
NOTHING = "<S:Envelope xmlns:S='s'><S:Body><P/></S:Body></S:Envelope>"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (HIKVISION, [("RuleEngine/CellMotionDetector/Motion VideoSourceConfigurationToken=1 "
                      "Rule=MyMotion", True, True)]),
        (DAHUA, [("VideoSource/MotionAlarm "
                  "Source=000", False, True), ("Device/Trigger/DigitalInput "
                                               "InputToken=in1", True, True)]),
        (AXIS, [("CameraApplicationPlatform/VMD/Camera1ProfileANY", True, False)]),
        (HIKVISION.replace("Changed", "Deleted"), [(
            "RuleEngine/CellMotionDetector/Motion VideoSourceConfigurationToken=1 "
            "Rule=MyMotion", False, True)]),
        (HIKVISION.replace("CellMotionDetector", "TamperDetector"), []),
        (NOTHING, []),
    ],
)  # fmt: skip
def test_notices_of_several_makers(answer: str, expected: list[tuple[str, bool, bool]]) -> None:
    assert notices(parse_answer(answer.encode())) == tuple(Notice(*one) for one in expected)


BOMB = "<!DOCTYPE b [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>"
FILE = "<!DOCTYPE b [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "no ONVIF device"),
        (b"<html><body>404</body></html>", "no ONVIF device"),
        (HIKVISION[:400].encode(), "no ONVIF device"),
        ((BOMB + NOTHING.replace("<P/>", "&b;")).encode(), "document type"),
        ((FILE + NOTHING.replace("<P/>", "&a;")).encode(), "document type"),
        ((FILE + NOTHING).encode("utf-16"), "document type"),
        (b"<a>" * 100_000, "too deep"),
        (b'<?xml version="1.0" encoding="none"?>' + NOTHING.encode(), "no ONVIF device"),
        (
            NOTHING.replace("<P/>", "<S:Fault><S:Text>busy</S:Text></S:Fault>").encode(),
            "ONVIF refused: busy",
        ),
    ],
)
def test_damaged_and_hostile_answers_are_errors_with_sentences(answer: bytes, says: str) -> None:
    with pytest.raises(SourceUnreachable, match=says):
        parse_answer(answer)


@given(st.binary(max_size=200), st.integers(0, len(HIKVISION)), st.integers(0, 50))
def test_no_damage_raises_anything_else(noise: bytes, at: int, cut: int) -> None:
    whole = HIKVISION.encode()
    try:
        body = parse_answer(whole[:at] + noise + whole[at + cut :])
    except SourceError:
        return
    assert len(notices(body)) <= 1
    assert device_time_ns(body) is None


def test_a_refused_login_is_an_error_of_its_own() -> None:
    with pytest.raises(SourceRejected, match="NotAuthorized"):
        parse_answer(
            NOTHING.replace(
                "<P/>", "<S:Fault><S:Value>ter:NotAuthorized</S:Value></S:Fault>"
            ).encode()
        )


def test_a_device_without_time_events_or_subscription() -> None:
    body = parse_answer(NOTHING.encode())
    assert device_time_ns(body) is None
    with pytest.raises(SourceUnreachable, match="no events"):
        events_address(body)
    with pytest.raises(SourceUnreachable, match="no subscription"):
        subscription(body)


def test_the_login_is_the_digest_of_the_profile_and_text_is_escaped() -> None:
    sent = envelope(
        PULL,
        "http://1.2.3.4/a?b&c",
        Token("a<b", "p&w", b"nonce", "2026-11-24T08:00:00Z"),
        '<x:Id xmlns:x="u">7</x:Id>',
    )
    found = {str(one.tag).rpartition("}")[2]: one.text for one in Tree.fromstring(sent).iter()}
    assert (found["Username"], found["To"], found["Id"]) == ("a<b", "http://1.2.3.4/a?b&c", "7")
    assert found["Password"] == b64encode(sha1(b"nonce2026-11-24T08:00:00Zp&w").digest()).decode()
    assert b"p&amp;w" not in sent


def _range(from_s: float, to_s: float, what: str) -> tuple[int, int, str]:
    return round(from_s * NS_PER_S), round(to_s * NS_PER_S), what


def test_what_lasts_triggers_until_it_ends_and_what_does_not_for_a_moment() -> None:
    active = ActiveNotices()

    def at(second: float, *received: Notice) -> tuple[int, int, str] | None:
        return active.update(received, second, round(second * NS_PER_S))

    assert at(1) is None
    assert at(2, Notice("pir", True, False)) == _range(2, 2, "pir")
    assert at(3) is None
    assert at(4, Notice("cell", True, True)) == _range(4, 4, "cell")
    assert at(9) == _range(4, 9, "cell")
    assert at(12, Notice("cell", False, True)) == _range(9, 12, "cell")
    assert at(17) is None
    assert at(18, Notice("cell", True, True), Notice("cell", False, True)) == _range(18, 18, "cell")
    assert at(20) is None


def test_what_a_device_forgets_to_end_is_over() -> None:
    active = ActiveNotices()
    active.update([Notice("cell", True, True)], 0, 0)
    assert active.update([], MAX_ACTIVE_S, 1) == (0, 1, "cell")
    assert active.update([], MAX_ACTIVE_S + 5, 2) is None
