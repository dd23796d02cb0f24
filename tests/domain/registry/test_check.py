"""All faults of a registry are reported together, each with line, column and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import RegistryInvalid
from domain.registry import load_registry
from tests.domain.registry.checked_registry import CAMERA, HEAD, faults_of

NETWORK_HINT = "(add its network under `networks:`, or correct the address)"
RETENTION_FAULT = (
    "recordings cannot be kept 90 days at least (`retention_days`) and 60 at most "
    "(`retention_max_days`) "
    "(raise `retention_max_days`, or lower `retention_days`)"
)
ADD_TRIGGER = "(add `motion` or `api` to `triggers`)"
NO_CHECKPOINT = "only `checkpoint` can trigger, and the camera is no checkpoint " + ADD_TRIGGER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CAMERA + CAMERA, "11:9: the id `east` is taken (by the camera on line 5; ids are unique)"),
        (
            CAMERA.replace("class: A", "class: D"),
            "7:12: `class`: 'D' is not one of A, B, C",
        ),
        (CAMERA + "    naem: x\n", "11:5: unknown key `naem` (did you mean `name`?)"),
        (
            CAMERA.replace("32.5}", "32.5, headin: 9}"),
            "9:39: unknown key `headin` (did you mean `heading`?)",
        ),
        (CAMERA.replace("    name: 东口\n", ""), "5:5: `name` is missing (add `name:`)"),
        (
            CAMERA.replace("dan/jun", "dan/jum"),
            "8:11: the area `dan/jum` is not under `areas` (did you mean `dan/jun`?)",
        ),
        (
            CAMERA.replace("10.0.0.1", "8.8.8.8"),
            "10:10: 8.8.8.8 is outside `networks` " + NETWORK_HINT,
        ),
        (
            CAMERA.replace("10.0.0.1", "[fe80::1]"),
            "10:10: fe80::1 is outside `networks` " + NETWORK_HINT,
        ),
        (CAMERA.replace("rtsp://", "http://"), "10:10: `url`: must begin with rtsp:// or rtsps://"),
        (
            CAMERA.replace("10.0.0.1", "10.0.0.1:x"),
            "10:10: `url`: the port is not a number from 1 to 65535",
        ),
        (
            CAMERA + "    credentials: gate-1\n",
            "11:18: there is no secret `gate-1` (add it to the secrets file, or set "
            "SIGHTLINE_CAMERA_GATE_1=user:password)",
        ),
        (
            CAMERA + "    checkpoint: [plates]\n",
            "11:18: `checkpoint`: 'plates' is not one of plate, face (did you mean `plate`?)",
        ),
        (CAMERA + "    id: west\n", "11:5: `id` stands twice (first on line 5; keep one)"),
        (
            CAMERA + "    priority: 10\n",
            "11:15: `priority`: should be less than or equal to 9",
        ),
        (
            CAMERA + "    onvif_port: 8000\n",
            "11:17: `onvif_port` does nothing where `triggers` lack `onvif` (add `onvif` to "
            "`triggers`, or leave it out)",
        ),
        (
            CAMERA + "    record: events\n    triggers: [onvif]\n    onvif_port: 0\n",
            "13:17: `onvif_port`: should be greater than or equal to 1",
        ),
        (
            CAMERA
            + "    checkpoint: [plate]\n    count_lines:\n      - [[0.1, 0.5], [0.9, 0.5]]\n      "
            "- [[0.1, 0.5], [0.1, 0.5]]\n",
            "14:9: `count_lines`: begins where it ends",
        ),
        (
            CAMERA + "    checkpoint: [plate]\n    lanes:\n      - [[0.1, 0.5], [0.9, 0.5]]\n",
            "13:9: `lanes`: a mask or a lane is a list of three or more points, and a point is "
            "[x, y]",
        ),
        (
            CAMERA + "    lanes:\n      - [[0, 0], [1, 0], [1, 1]]\n",
            "12:7: `lanes` do nothing at a camera that is no checkpoint (add `checkpoint`, or "
            "leave them out)",
        ),
        (
            CAMERA + "    substream: {url: 'http://10.0.0.1/2'}\n",
            "11:22: `url`: must begin with rtsp:// or rtsps://",
        ),
        (
            CAMERA + "    substream: {url: rtsp://8.8.8.8/2}\n",
            "11:22: 8.8.8.8 is outside `networks` " + NETWORK_HINT,
        ),
        (
            CAMERA + "    substream: {url: rtsp://10.0.0.1/2, ulr: x}\n",
            "11:41: unknown key `ulr` (did you mean `url`?)",
        ),
        (CAMERA + "    substream: {}\n", "11:16: `url` is missing (add `url:`)"),
        (
            CAMERA + "    upload: some\n",
            "11:13: `upload`: 'some' is not one of all, events, none",
        ),
        (CAMERA + "    retention_max_days: 60\n", "11:25: " + RETENTION_FAULT),
        (
            CAMERA + "    record: events\n    triggers: [checkpoint]\n",
            "12:15: `record: events` would keep nothing: " + NO_CHECKPOINT,
        ),
        (
            CAMERA + "    upload: events\n    triggers: []\n",
            "12:15: `upload: events` would keep nothing: nothing can trigger " + ADD_TRIGGER,
        ),
        (
            CAMERA + "    triggers: [motion]\n",
            "11:15: `triggers` do nothing where `record` is continuous (leave `triggers` out, or "
            "set `record: events` or `upload: events`)",
        ),
        (
            CAMERA.replace("id: east", "id: ../east"),
            "5:9: `id`: must begin with a letter or a digit, and have only letters, digits, - _ . "
            "(64 at most)",
        ),
    ],
)
def test_a_fault_names_its_place_and_its_remedy(tmp_path: Path, text: str, expected: str) -> None:
    assert faults_of(tmp_path, HEAD + text) == [expected]


AREAS_HEAD = "version: 1\nareas:\n  dan/jun: {name: x}\n"


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ("  b: {name: b, formerly: [a, a/c]}\n", []),
        (
            "  b: {name: b, formerly: [dan/jun]}\n",
            ["4:27: the former area `dan/jun` is an area of today (rename one of them)"],
        ),
        (
            "  b: {name: b, formerly: [a]}\n  c: {name: c, formerly: [a]}\n",
            [
                "5:27: the former area `a` became two areas (it is also on line 4; name it once)",
            ],
        ),
        (
            "  b: {name: b, formerly: [A/]}\n",
            [
                "4:27: `formerly`: must have only lower-case letters, digits and -, in parts "
                "joined by /",
            ],
        ),
    ],
)
def test_former_paths_of_areas(tmp_path: Path, areas: str, expected: list[str]) -> None:
    assert faults_of(tmp_path, AREAS_HEAD + areas) == expected


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        HEAD
        + CAMERA.replace("class: A", "class: X")
        + CAMERA.replace("lat: 32.5", "lat: 320")
        + "extra: 1\n"
    )
    lines = [fault.partition(": ")[0] for fault in faults_of(tmp_path, text)]
    assert lines == ["7:12", "11:9", "15:33", "17:1"]


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, HEAD + CAMERA.replace("10.0.0.1", "root:hunter2@10.0.0.1"))
    assert "secrets file" in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "text", ["a: [1", "a:\n\t- b", "version: 1\nversion: 1\n", "- 1", "", "version: 2\n"]
)
def test_text_that_is_no_registry_is_a_fault_not_a_crash(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("classes: {A: {record: all}}", "1:23: `record`: 'all' is not one of continuous, "),
        ("networks: [10.1.2.0/8]", "1:12: `networks`: begins within a network; write 10.0.0.0/8"),
        ("networks: [everywhere]", "1:12: `networks`: is no network, such as 10.0.0.0/8"),
        ("networks: 10.0.0.0/8", "1:11: `networks`: must be a list"),
        ("classes: {A: {retention_days: long}}", "1:31: `retention_days`: must be a whole number"),
        ("classes: continuous", "1:10: `classes`: must have keys and values"),
    ],
)
def test_a_fault_of_the_whole_site_is_reported_once(
    tmp_path: Path, line: str, expected: str
) -> None:
    (fault,) = faults_of(tmp_path, f"{line}\n{HEAD}{CAMERA}")
    assert fault.startswith(expected)


@pytest.mark.parametrize("written", ["10.0.0.0/255.0.0.0", "10.0.0.1", "FD00::/8"])
def test_a_network_may_be_written_in_each_form(tmp_path: Path, written: str) -> None:
    text = f"networks: [10.0.0.0/8, '{written}']\n"
    assert faults_of(tmp_path, text + HEAD + CAMERA) == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("id: 20261201", "must be text (put it in quotes)"),
        ("id: 2026-12-01", "must be text (put it in quotes)"),
        ("id: [east]", "must be text"),
        ("enabled: maybe", "must be true or false"),
        ("location: {lon: 32.5, lat: 111.5}", "90 (are `lon` and `lat` exchanged?)"),
        ("location: here", "must have keys and values"),
        (
            "count_lines: [[[0, 0.5]]]",
            "a count line is a list of two points, and a point is [x, y]",
        ),
        ("count_lines: [[0, 0.5]]", "a count line is a list of two points, and a point is [x, y]"),
        ("masks: [[[0, 0], [1], [1, 1]]]", "three or more points, and a point is [x, y]"),
        ("masks: none", "must be a list"),
    ],
)
def test_a_value_of_a_wrong_form_is_described_without_terms_of_a_library(
    tmp_path: Path, entry: str, expected: str
) -> None:
    key = entry.partition(":")[0]
    lines = [one for one in CAMERA.splitlines() if not one.strip(" -").startswith(f"{key}:")]
    text = "\n".join(lines).replace("    name", "  - name", 1) if key == "id" else "\n".join(lines)
    first = faults_of(tmp_path, f"{HEAD}{text}\n    {entry}\n")[0]
    assert first.endswith(expected)


def test_a_file_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_bytes((HEAD + CAMERA).encode("gbk"))
    with pytest.raises(RegistryInvalid, match=r"yaml:1:1: .* not text in UTF-8; save it"):
        load_registry(file, {})


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_bytes((HEAD + CAMERA).replace("\n", "\r\n").encode("utf-8-sig"))
    registry, _ = load_registry(file, {})
    assert registry.cameras[0].name == "东口"


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RegistryInvalid, match=r"absent\.yaml:1:1: cannot be read"):
        load_registry(tmp_path / "absent.yaml", {})


def test_a_class_gives_defaults_and_a_camera_may_say_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    more = (
        CAMERA.replace("east", "shop").replace("class: A", "class: C")
        + CAMERA.replace("east", "bank")
        + "    retention_days: 7\n"
    )
    file.write_text("classes:\n  A: {retention_days: 45}\n" + HEAD + CAMERA + more, "utf-8")
    registry, _ = load_registry(file, {})
    assert {c.id: (c.record, c.retention_days) for c in registry.cameras} == {
        "east": ("continuous", 45),
        "shop": ("on_demand", 30),
        "bank": ("continuous", 7),
    }


def test_a_fault_of_a_class_is_reported_once_and_not_at_each_camera(tmp_path: Path) -> None:
    (fault,) = faults_of(
        tmp_path,
        "classes:\n  A: {retention_days: 9, retention_max_days: 8}\n"
        + HEAD
        + CAMERA
        + CAMERA.replace("east", "west"),
    )
    assert fault.startswith("2:46: recordings cannot be kept 9 days")


def test_policy_keys_have_defaults_by_class(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    shop = (
        CAMERA.replace("east", "shop").replace("class: A", "class: C")
        + "    retention_max_days: 99\n"
    )
    file.write_text(
        "classes:\n  A: {priority: 8, triggers: [motion]}\n" + HEAD + CAMERA + shop, "utf-8"
    )
    registry, _ = load_registry(file, {})
    east, shop_camera = registry.cameras
    assert (east.priority, east.triggers, east.upload, east.longest_retention_days) == (
        8,
        ("motion",),
        "all",
        90,
    )
    assert (shop_camera.priority, shop_camera.upload, shop_camera.longest_retention_days) == (
        5,
        "events",
        99,
    )


def test_the_sample_is_right() -> None:
    registry, _ = load_registry(Path(__file__).parents[3] / "camera_registry.yaml", {})
    assert {camera.class_ for camera in registry.cameras} == {"A", "B", "C"}


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a {b: *a}\n"])
def test_aliases_without_end_are_a_fault(tmp_path: Path, text: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert "nested too deep" in fault


TLS_CAMERA = CAMERA.replace("rtsp://", "rtsps://")
SHA256 = "ab" * 32


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (f"{{sha256: {SHA256}}}", []),
        (f"{{sha256: '{':'.join(['AB'] * 32)}'}}", []),
        ("{ca: FILE}", []),
        (
            "{sha256: abc}",
            ["11:19: `sha256`: is not the SHA-256 of a certificate: 64 hexadecimal digits"],
        ),
        ("{}", ["11:10: `tls`: needs either `ca` or `sha256`"]),
        (
            f"{{ca: FILE, sha256: {SHA256}}}",
            ["11:10: `tls`: needs either `ca` or `sha256`"],
        ),
        (f"{{sha: {SHA256}}}", ["11:11: unknown key `sha` (did you mean `sha256`?)"]),
        (
            "{ca: relative.pem}",
            ["11:15: `ca`: must be the whole path of a file, which begins with /"],
        ),
        (
            "{ca: /nowhere/ca.pem}",
            [
                "11:15: the file cannot be read: No such file or directory "
                "(every node needs the file under this path)"
            ],
        ),
        ("{ca: REGISTRY}", ["11:15: the file holds no certificate (write it as PEM)"]),
    ],
)
def test_what_proves_a_camera_is_checked(tmp_path: Path, tls: str, expected: list[str]) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    tls = tls.replace("FILE", str(file)).replace("REGISTRY", str(tmp_path / "r.yaml"))
    assert faults_of(tmp_path, f"{HEAD}{TLS_CAMERA}    tls: {tls}\n") == expected


def test_tls_without_rtsps_is_a_fault(tmp_path: Path) -> None:
    text = f"{HEAD}{CAMERA}    tls: {{sha256: {SHA256}}}\n"
    assert faults_of(tmp_path, text) == [
        "11:10: `tls` is for cameras with rtsps:// (correct the url, or remove it)"
    ]
    sub_stream = "    substream: {url: rtsps://10.0.0.1/2}\n"
    assert faults_of(tmp_path, text + sub_stream) == []
