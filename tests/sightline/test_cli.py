"""The command line: invalid usage is 2, a failure is 1 with a sentence, and JSON is valid."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from sightline.cli import main
from sightline.commands.stores import rebuilt_text
from storage.rebuild import Rebuilt
from tests.sightline.processes.test_instance import GOOD


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Restore logging: `up` writes all logs to the standard error of the test, which is closed
    after it.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["up"],
        ["user", "add", "x"],
        ["user", "add", "x", "--role", "king", "--data", "d"],
        ["demo", "--port", "0"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sightline {version('sightline')}\n"


def test_check_says_every_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(GOOD)
    assert main(["cameras", "check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cameras": 1, "faults": [], "warnings": []}
    file.write_text(GOOD.replace("class: A", "class: Z"))
    assert main(["cameras", "check", str(file)]) == 1
    assert f"{file}:3:37: `class`" in capsys.readouterr().err
    assert main(["cameras", "check", str(file), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["line"], fault["column"]) == (3, 37)


def test_check_warns_of_two_cameras_with_one_url(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.yaml"
    second = (
        "          {id: two, name: y, class: B, area: a, location: {lon: 1, lat: 2}, url: "
        "rtsp://127.0.0.1/1}]\n"
    )
    file.write_text(GOOD.rstrip().removesuffix("]") + ",\n" + second)
    assert main(["cameras", "check", str(file)]) == 0
    output = capsys.readouterr()
    assert output.err.startswith(f"warning: {file}:4:")
    assert "camera on line 3" in output.err
    assert "127.0.0.1" not in output.err, "a url may hold a token"
    assert "cameras: 2," in output.out
    assert main(["cameras", "check", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["faults"], [one["line"] for one in said["warnings"]]) == ([], [4])


def test_a_rebuild_names_the_way_to_events_without_a_journal() -> None:
    rebuilt = Rebuilt(people=2, events=5, archived=0, registry=1, damaged=("journal/x",), watches=0)
    assert "--from-sidecars" in rebuilt_text(rebuilt, from_sidecars=False)
    assert "--from-sidecars" not in rebuilt_text(rebuilt, from_sidecars=True)
    assert "damaged: journal/x" in rebuilt_text(rebuilt, from_sidecars=True)


def restore_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back after the test what `up` sets for its child processes."""
    for name in ("PROMETHEUS_MULTIPROC_DIR", "SIGHTLINE_SECRETS_FILE"):
        monkeypatch.setenv(name, "")


def test_up_refuses_a_registry_with_faults_and_a_port_that_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_environment(monkeypatch)
    file = tmp_path / "r.yaml"
    file.write_text(GOOD.replace("class: A", "class: Z"))
    assert main(["up", "--registry", str(file), "--data", str(tmp_path / "data")]) == 1
    assert "is not one of" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    file.write_text(GOOD)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert (
            main(["up", "--registry", str(file), "--data", str(tmp_path / "data"), "--port", port])
            == 1
        )
    assert f"port {port} is used" in capsys.readouterr().err


def test_a_setting_that_is_wrong_is_named_and_its_value_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DISK_LIMIT_GB", "hunter2")
    assert main(["cameras", "check", "r.yaml"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("sightline: SIGHTLINE_DISK_LIMIT_GB: ")
    assert "hunter2" not in said


def test_a_former_name_of_a_setting_is_read_with_a_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DOOR_PORT", "hunter2")
    monkeypatch.setenv("SIGHTLINE_NODE_API_PORT", "")
    monkeypatch.delenv("SIGHTLINE_NODE_API_PORT")
    assert main(["cameras", "check", "r.yaml"]) == 1
    warning, fault = capsys.readouterr().err.splitlines()
    assert warning == (
        "sightline: warning: SIGHTLINE_DOOR_PORT has a new name; set SIGHTLINE_NODE_API_PORT "
        "instead"
    )
    assert fault.startswith("sightline: SIGHTLINE_NODE_API_PORT: ")


def test_a_data_folder_that_cannot_be_made_is_a_plain_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_environment(monkeypatch)
    file = tmp_path / "r.yaml"
    file.write_text(GOOD)
    assert main(["up", "--registry", str(file), "--data", str(file)]) == 1
    assert capsys.readouterr().err.startswith("sightline: Not a directory: ")


@pytest.mark.parametrize(
    "command", [["user", "list"], ["storage", "check"], ["index", "rebuild"], ["cameras", "list"]]
)
def test_a_mistyped_data_folder_makes_no_new_instance(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty instance would count as clean."""
    assert main([*command, "--data", str(tmp_path / "absent")]) == 1
    assert "there is no data folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
