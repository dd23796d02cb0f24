"""Every stored record keeps what a newer version of Sightline adds to it."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import domain
import sightline
import storage
from domain.alarms import Alarm, AlarmName
from domain.camera_states import CameraState
from domain.errors import DataLoss, NewerRecord
from domain.events.event import (
    Alternative,
    Correction,
    Event,
    Location,
    ObjectDigest,
    Plate,
    Sidecar,
)
from domain.events.misreadings import MatchKind
from domain.events.watches import Watch, WatchMatch
from domain.people import Right, Role
from domain.recordings.holds import Hold
from domain.registry import Camera
from domain.registry.former import FormerCamera, FormerCameras
from domain.registry.record import RegistryRecord
from domain.stored_model import StoredModel, unreadable
from sightline.active_policy import LastValidPolicy
from sightline.cluster.fault_records import FaultRecord
from sightline.cluster.roster import Assigned, Roster
from sightline.confinement.report import ConfinementReport
from sightline.keys.bundle import KeyBundle
from sightline.keys.register import CertificateRecord, KeyRegister
from sightline.processes.instance import InstanceSecrets, Runtime
from sightline.processes.people_key import PeopleKeyFile
from storage.archive import day as archive_day
from storage.archive.day import ArchiveFile
from storage.audit.file_positions import FilePosition
from storage.audit.shipping import ShippingState
from storage.audit.stored_lines import AuditWriter
from storage.audit.syslog import SyslogState
from storage.events import journal
from storage.events.corrections import CorrectionRecord
from storage.events.journal import JournalCorrect, JournalDelete, JournalPut
from storage.exports.records import (
    ExportGap,
    ExportMember,
    ExportRange,
    ExportRecord,
    RangeResult,
)
from storage.index.impossible_legs import HourFound
from storage.openid.provider_sessions import ProviderSession
from storage.recordings.gaps.stored import NodeGaps
from storage.site import alarms
from storage.site.approvals import ApprovalRecord
from storage.site.audit import AuditEntry, AuditLine
from storage.site.cases import CaseRecord
from storage.site.emergencies import EmergencyRecord
from storage.site.idempotency import KeyRecord, StoredAnswer
from storage.site.node_reports import NodeDisk, NodeLoad, NodeReport, NodeWorkers
from storage.site.person_records import (
    IdentityRecord,
    PasswordRecord,
    PersonRecord,
    SecondFactorRecord,
    TokenRecord,
)
from storage.site.saved_views import SavedViewRecord
from storage.site.sessions import SessionRecord, SignInMethod
from storage.site.signed_records import SignedRecord
from storage.site.site_identity import SiteRecord
from storage.site.watch_matches import Delivery
from tests.kept import START_NS, make_event

EXPORT_RANGE = ExportRange(camera="gate", from_=START_NS, to=START_NS + 1_000_000)
EXPORT_GAP = ExportGap(from_=START_NS, to=START_NS + 1_000_000, cause="disk", detail="full")
EXPORT_MEMBER = ExportMember(
    name="gate/gate.mp4",
    from_=START_NS,
    to=START_NS,
    start=START_NS,
    end=START_NS,
    size_bytes=1,
    crc32=1,
    sha256="00",
    etag='"1"',
)
EXPORT_RESULT = RangeResult(
    camera_name="East gate", members=(EXPORT_MEMBER,), gaps=(EXPORT_GAP,), offline=("node-2",)
)
ADDED = {"added_later": {"by": "a newer version", "numbers": [1, 2]}}
EVENT = make_event(alternatives=(("鄂C12346", 0.25),))
CORRECTION = Correction(text="鄂C1", original="鄂C12345", by="li", at=START_NS, version=1)
ANSWER = StoredAnswer(status=201, headers={"location": "/v1/holds/1"}, body="{}")
DIGEST = ObjectDigest(key="events/x", size_bytes=1, sha256="00")
MATCH = WatchMatch(
    id="w.e", watch="w", plate="鄂C*", tie=MatchKind.EXACT, why="", matched_at=START_NS, event=EVENT
)  # fmt: skip
ALARM = Alarm(name=AlarmName.DISK_FULL, node="node-1", since=START_NS, sentence="")
CERTIFICATE = CertificateRecord(purpose="node", subject="node-1", pem="", retired=START_NS)
REGISTER = KeyRegister(certificates=(CERTIFICATE,))
FILE = ArchiveFile(
    day="20251009", area="a", generation=1, key="k", sha256="00", size_bytes=1, rows=1, from_ms=1,
    to_ms=2, plate_min="", plate_max="", bounds=(0, 0, 1, 1), cameras={"gate": 1}, bloom_blocks=0,
)  # fmt: skip
ENTRY: dict[str, Any] = {
    "person": "li", "role": Role.ADMIN, "address": "::1", "route": "hold.place",
    "right": Right.EVIDENCE, "status": 200,
}  # fmt: skip
CAMERA = Camera.model_validate(
    {
        "id": "gate", "name": "gate", "class": "A", "area": "a", "url": "rtsp://10.0.0.1/",
        "location": {"lon": 0, "lat": 0},
    }
)  # fmt: skip

TOKEN = TokenRecord(name="first", token_sha256="00", added_at=START_NS)
NODE_REPORT = NodeReport(
    version="1",
    workers=NodeWorkers(configured=2, running=2),
    cameras={"A": {CameraState.LIVE: 1}},
    shed={},
    load=NodeLoad(processor=0.5, disk=0.5),
    disk=None,
    upload_waits_since=None,
    spool_events=0,
    clock_offset_ms=None,
)
RECORDS: tuple[StoredModel, ...] = (
    EVENT,
    Location(lon=1, lat=2, heading=3),
    Alternative(text="鄂C1", confidence=0.5),
    Plate(text="鄂C1", color="blue", confidence=0.5),
    CORRECTION,
    Sidecar(event=EVENT, objects={"clip.mp4": DIGEST}),
    DIGEST,
    Hold(id="h", camera="gate", from_=1, to=2, reason="", placed_by="li", placed_at=START_NS),
    Watch(
        id="w", plate="鄂C*", until=START_NS, reason="", case="", placed_by="li", placed_at=START_NS
    ),
    MATCH,
    ALARM,
    alarms._PublishedAlarms(told_at=START_NS, alarms=(ALARM,)),
    Delivery(match=MATCH),
    CorrectionRecord(event_id="e", camera="gate", correction=CORRECTION, reason=""),
    PersonRecord(name="li", role=Role.ADMIN, tokens=(TOKEN,), added_at=START_NS),
    TOKEN,
    PeopleKeyFile(key="00"),
    ANSWER,
    KeyRecord(request="00", new_id="01", answer=ANSWER),
    RegistryRecord(version=1, applied_at=START_NS, text="version: 1"),
    AuditEntry(**ENTRY),
    AuditLine(id="1", at=START_NS, **ENTRY),
    AuditWriter(writer="node-1-00", node="node-1", complete_until=START_NS),
    FilePosition(size_bytes=1),
    SyslogState(files={"20251009.jsonl": FilePosition(size_bytes=1)}),
    ShippingState(writer="node-1-00", files={"20251009.jsonl": FilePosition(size_bytes=1)}),
    FILE,
    archive_day._Header(files=(FILE,)),
    journal._Line(),
    JournalPut(event=EVENT, objects={"clip.mp4": DIGEST}),
    JournalDelete(event_id="e", camera="gate"),
    JournalCorrect(event_id="e", camera="gate", correction=CORRECTION),
    SiteRecord(id="1", created_at=START_NS),
    NodeGaps(until_ms=1, beats_ms={"gate": 1}),
    HourFound(stamp=(1, 2), pairs=(("a", "b"),)),
    Assigned(camera=CAMERA, fence=1),
    FormerCamera(camera=CAMERA, left_at=START_NS),
    FormerCameras(by_id={"gate": FormerCamera(camera=CAMERA, left_at=START_NS)}),
    Roster(
        registry=1,
        networks=(IPv4Network("10.0.0.0/8"),),
        cameras=(Assigned(camera=CAMERA, fence=1),),
    ),
    Runtime(pid=1, api_port=2, node_api_port=3, valkey_port=4, s3_port=None),
    InstanceSecrets(
        valkey_password="1",
        s3_access_key="2",
        s3_secret_key="3",
        seaweedfs_signing_key="4",
    ),
    CERTIFICATE,
    REGISTER,
    KeyBundle(certificates=REGISTER, keys={"node": ""}),
    LastValidPolicy(text="version: 1"),
    FaultRecord(file="r.yaml", line=1, column=1, message="unknown key `x`"),
    ConfinementReport(process="worker-0"),
    NODE_REPORT,
    NODE_REPORT.workers,
    NODE_REPORT.load,
    NodeDisk(recordings_bytes=1, other_bytes=2, limit_bytes=3, free_bytes=4, reserve_bytes=5),
    ProviderSession(
        subject="1", provider_session="2", id_token="3", refresh_token="4", checked_at=START_NS
    ),
    IdentityRecord(issuer="https://id.example", subject="1", name="li"),
    PasswordRecord(encrypted_hash="1", set_at=START_NS),
    SecondFactorRecord(encrypted_secret="1", enrolled_at=START_NS, recovery_codes=("2",)),
    SignedRecord(id="1"),
    CaseRecord(id="1", number="2026-1", title="theft", opened_by="li", opened_at=START_NS),
    ApprovalRecord(
        id="1",
        person="li",
        call="event.clip",
        terms={"id": "1"},
        reason="theft",
        case="",
        requested_at=START_NS,
        ends_at=START_NS,
    ),
    EmergencyRecord(
        id="1",
        person="li",
        role="operator",
        address="10.0.0.1",
        reason="shooting",
        case="",
        call="events.search",
        terms={},
        at=START_NS,
    ),
    EXPORT_RANGE,
    EXPORT_GAP,
    EXPORT_MEMBER,
    EXPORT_RESULT,
    ExportRecord(
        id="1",
        ranges=(EXPORT_RANGE,),
        person="li",
        reason="theft",
        case="",
        created_at=START_NS,
        expires_at=START_NS,
        results=(EXPORT_RESULT,),
    ),
    SavedViewRecord(
        id="1",
        name="the gates",
        tiles=4,
        cameras=("gate", ""),
        made_by="li",
        made_at=START_NS,
        changed_by="li",
        changed_at=START_NS,
    ),
    SessionRecord(
        id="1",
        cookie_sha256="2",
        person="li",
        person_added_at=START_NS,
        generation=0,
        method=SignInMethod.PASSWORD,
        created_at=START_NS,
        used_at=START_NS,
        expires_at=START_NS,
        idle_s=60,
        address="10.0.0.1",
        user_agent="Firefox",
    ),
)
"""One of each kind. A kind that is missing here fails the first test."""

WRITTEN_BY_PEOPLE = {
    "Settings", "Registry", "Camera", "CameraTls", "Area", "ClassPolicy", "SubStream", "Pass",
    "_Strict", "_Truth", "AccessPolicy", "CallGroup", "ClaimRole", "OpenIdFields",
    "AccessFields", "AnalysisFields", "LiveFields", "RecordingFields", "StoreFields",
    "EnvironmentFields",
}  # fmt: skip
"""Configuration and files of people: an unknown key there is a typing error. Not stored by a
program.
"""

MESSAGES = {"_Sent", "LiveDetection", "LiveDetections"}
"""Messages between processes, which are not stored."""


def _models() -> set[type[BaseModel]]:
    """All models that modules of these packages define."""
    found: set[type[BaseModel]] = set()
    for package in (domain, storage, sightline):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__"):
                continue
            module = import_module(info.name)
            kinds = (kind for kind in vars(module).values() if isinstance(kind, type))
            found |= {
                kind
                for kind in kinds
                if issubclass(kind, BaseModel) and kind.__module__ == info.name
            }
    return found


def _with_additions(value: Any) -> Any:
    """The same with unknown fields in every record within it."""
    if isinstance(value, StoredModel):
        own = {name: _with_additions(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update=own | ADDED)
    if isinstance(value, tuple):
        return tuple(_with_additions(one) for one in value)
    if isinstance(value, dict):
        return {key: _with_additions(one) for key, one in value.items()}
    return value


def _json(record: StoredModel) -> Any:
    return json.loads(record.model_dump_json(by_alias=True))


def test_every_model_is_a_stored_record_or_written_by_people() -> None:
    models = _models()
    stored = {kind for kind in models if issubclass(kind, StoredModel)} - {StoredModel}
    assert {kind.__name__ for kind in models - stored - {StoredModel}} == (
        WRITTEN_BY_PEOPLE | MESSAGES
    )
    assert stored == {type(record) for record in RECORDS}, "each kind of record has its example"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_fields_of_a_newer_version_are_kept(record: StoredModel) -> None:
    written = _json(_with_additions(record))
    assert written["added_later"] == ADDED["added_later"]
    read = type(record).model_validate_json(json.dumps(written))
    assert read != record
    assert _json(read.model_copy()) == written


def test_unknown_fields_are_allowed_by_the_base_alone() -> None:
    for record in RECORDS:
        assert type(record).model_config == StoredModel.model_config, type(record)


@pytest.mark.parametrize(
    "record",
    [record for record in RECORDS if "schema" in _json(record)],
    ids=lambda record: type(record).__name__,
)
def test_a_newer_schema_is_reported_as_such(record: StoredModel) -> None:
    written = _json(record) | {"schema": 99}
    with pytest.raises(ValidationError) as refused:
        type(record).model_validate_json(json.dumps(written))
    error = unreadable("state/x", refused.value)
    assert isinstance(error, NewerRecord)
    assert str(error) == (
        "state/x was written by a newer version of Sightline; upgrade this installation to read it"
    )


def test_a_damaged_record_is_reported_with_its_first_fault_and_without_its_content() -> None:
    with pytest.raises(ValidationError) as refused:
        PersonRecord.model_validate({"name": "li", "tokens": 7, "role": "chief of secrets"})
    error = unreadable("state/people/li/0000000001.json", refused.value)
    assert type(error) is DataLoss
    assert str(error).startswith(
        "state/people/li/0000000001.json cannot be read: role: Input should be"
    )
    assert "2 more faults" in str(error)
    assert "secrets" not in str(error)


OLDER_KEYS: dict[type[StoredModel], str] = {
    Hold: "camera event from id placed_at placed_by reason released_at released_by schema to until",
    Watch: "case ended ended_at ended_by fuzzy id placed_at placed_by plate reason schema secret "
    "until webhook",
    RegistryRecord: "applied_at schema text version",
    CorrectionRecord: "camera correction event_id reason schema",
    Sidecar: "clip_end_at clip_start_at event gaps_ms objects",
    Event: "area best_at box camera class clip_missing clip_ready confidence corrected crossed "
    "direction "
    "ended_at id kind lane location plate schema started_at wall_source",
    JournalPut: "event objects op schema",
    JournalDelete: "camera event_id op schema",
    JournalCorrect: "camera correction event_id op schema",
}
"""What version 0.1.0 knows of records that the nodes of a site share."""


@pytest.mark.parametrize("kind", OLDER_KEYS, ids=lambda kind: str(kind))
def test_a_strict_older_reader_knows_every_field_of_today(kind: type[StoredModel]) -> None:
    """Programs before 0.1.0 refuse unknown fields. Shorten nothing here; a field that is added is
    listed once sites of such programs are gone."""
    (record,) = [record for record in RECORDS if type(record) is kind]
    assert sorted(_json(record)) == OLDER_KEYS[kind].split()
