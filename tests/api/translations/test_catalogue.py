"""The messages that people read in the console have a Chinese translation."""

from __future__ import annotations

import errno
import os
import re

import pytest
from pydantic_core import _pydantic_core

from api.translations.catalogue import CHINESE_TEMPLATES, in_chinese
from api.translations.files import OF_LIBRARIES
from api.translations.validation import VALIDATION
from domain.messages.message import Message, names_in, system_reason
from tests.message_templates import ERRORS, PACKAGES, Made, made_in

SHOWN = (
    *(
        "api",
        "domain/messages",
        "domain/recordings",
        "domain/clock.py",
        "domain/passwords.py",
        "domain/camera_states.py",
    ),
    *("domain/plates.py", "domain/readable_names.py", "domain/suggestions.py"),
    *("domain/derived_keys.py", "domain/stored_model.py"),
    *("storage/site", "storage/exports/records.py", "storage/events/corrections.py"),
    *(
        "storage/recordings/coverage.py",
        "storage/events/publish_steps.py",
        "sightline/cameras/gap_recorder.py",
    ),
    *("sightline/cameras/pull_policy.py", "ingest/rtsp", "ingest/health", "ingest/live/source.py"),
    "ingest/live/detection_streams.py",
    *("sightline/jobs/alarm_monitor.py", "sightline/jobs/node_jobs.py"),
    *("sightline/api_alarms.py", "sightline/active_policy.py", "storage/sign_in/attempts.py"),
    *("storage/audit/shipping.py", "storage/audit/syslog.py"),
    *("storage/recordings/disk_quota.py", "storage/recordings/object_store_quota.py"),
    *("domain/registry", "domain/access_policy", "domain/errors.py"),
    *("sightline/commands/cameras.py", "sightline/commands/policy.py"),
)
"""What makes messages that the console shows."""
OF_PROGRAMS = (
    "api/access/origins.py",  # requests of other sites
    "api/base_map/tile_archive.py",  # the start of a process
    "api/exports/local_export.py",  # the command line
    "api/limits/request_limits.py",  # requests that no browser sends
    *("api/node_api/app.py", "api/node_api/context.py", "api/node_api/segments.py"),
    "api/nodes/segment_lists.py",
    "api/nodes/tokens.py",
    "api/requests/declarations.py",  # the start of a process
    "api/requests/languages.py",  # a template in Chinese
    "api/site/console.py",  # the start of a process
    "api/webrtc/messages.py",
    "domain/messages/",
    "ingest/live/tap.py",
    "storage/site/leases.py",
    "api/webrtc/protocols/rtcp.py",
    "api/webrtc/protocols/srtp.py",
    "api/webrtc/protocols/stun.py",
)
"""Sources whose messages only programs and their developers read."""
_INSIDE = {"IndexUnavailable", "ObjectsUnavailable", "ObjectsFull"}
"""Errors whose own message the API replaces."""


def shown() -> list[Made]:
    return [
        one
        for one in made_in(*SHOWN)
        if not one.file.startswith(OF_PROGRAMS) and one.kind not in _INSIDE and one.template
    ]


def test_every_template_for_people_is_translated() -> None:
    found = shown()
    assert len(found) > 300
    assert sorted({str(one) for one in found if one.template not in CHINESE_TEMPLATES}) == []


def test_no_translation_is_of_a_template_that_is_gone() -> None:
    made = {one.template for one in made_in(*PACKAGES)}
    assert sorted(set(CHINESE_TEMPLATES) - made - set(VALIDATION) - set(OF_LIBRARIES)) == []


def test_the_templates_of_validation_are_those_of_pydantic() -> None:
    known = (one["message_template_python"] for one in _pydantic_core.list_all_errors())
    assert sorted(set(VALIDATION) - {one.removeprefix("Input ") for one in known}) == []


@pytest.mark.parametrize(("english", "chinese"), CHINESE_TEMPLATES.items())
def test_a_translation_has_the_parts_of_its_template(english: str, chinese: str) -> None:
    assert set(names_in(chinese)) <= set(names_in(english))
    assert re.search("[\u4e00-\u9fff]", chinese) or not re.search("[a-z]{2}", _text(english))


@pytest.mark.parametrize(
    "code",
    [
        *(errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.EPIPE, errno.ECONNREFUSED),
        *(errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ENETDOWN, errno.ENETUNREACH),
    ],
    ids=os.strerror,
)
def test_what_the_system_says_of_files_and_connections_is_translated(code: int) -> None:
    reason = system_reason(OSError(code, os.strerror(code)))
    assert re.search("[\u4e00-\u9fff]", in_chinese(Message("{reason}", reason=reason)))


def _text(template: str) -> str:
    return re.sub(r"\{[a-z0-9_]+\}", "", template)


def test_a_message_that_is_not_known_stays_english() -> None:
    assert in_chinese(Message("the {body} is down", body="moon")) == "the moon is down"


def test_a_message_within_a_message_is_translated() -> None:
    nothing = Message(
        "nothing of {camera} is recorded between {start} and {end}",
        camera="gate",
        start="3:10",
        end="3:20",
    )
    near = Message("nor is anything within a day of it")
    assert in_chinese(Message("{error}; {nearest}", error=nothing, nearest=near)) == (
        "gate 在 3:10 至 3:20 之间没有录像；前后一天内也没有录像"
    )


def test_a_part_is_data_in_every_language() -> None:
    """A name that reads as a template or as another sentence changes nothing."""
    message = Message("{segment} was deleted", segment="{segment} was deleted; {0} {camera}")
    assert in_chinese(message) == "{segment} was deleted; {0} {camera} 已被清除"


def test_the_parts_keep_their_names() -> None:
    message = Message(
        "{person} is {article} {role} without the right `{right}`",
        person="li",
        article="an",
        role="operator",
        right="exports",
    )
    assert message == "li is an operator without the right `exports`"
    assert in_chinese(message) == "li（角色 operator）没有权限 `exports`"


def test_the_errors_of_the_tree_are_looked_for() -> None:
    assert {"NotFound", "QueryInvalid", "SourceTimeout"} <= ERRORS
