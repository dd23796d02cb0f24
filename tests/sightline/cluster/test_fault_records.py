"""The faults of a refused registry are kept with their parts, for API processes."""

from __future__ import annotations

import json
from pathlib import Path

from domain.errors import Fault
from domain.messages.message import Message
from sightline.cluster.fault_records import read_faults, write_faults

FAULT = Fault("r.yaml", 7, 3, Message("unknown key `{key}`", key="urll"), Message("leave it out"))


def test_faults_keep_their_parts(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    assert read_faults(file) == ()
    write_faults(file, [FAULT])
    (read,) = read_faults(file)
    assert read == FAULT
    assert (read.message.template, read.message.parts) == ("unknown key `{key}`", {"key": "urll"})


def test_an_older_version_reads_the_texts_and_its_records_are_read(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    write_faults(file, [FAULT])
    (written,) = json.loads(file.read_text())
    older = {name: written[name] for name in ("file", "line", "column", "message", "hint")}
    assert older["message"] == "unknown key `urll`"
    file.write_text(json.dumps([older]))
    assert read_faults(file) == (FAULT,)
