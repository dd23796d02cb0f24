"""A confined process reads and writes what its rules allow, and nothing else."""

from __future__ import annotations

import pytest

from tests.sightline.confinement.confined import outcomes, requires_confinement

pytestmark = requires_confinement
ATTACKS = (
    "Path(FORBIDDEN, 'file').read_bytes()",
    "Path(FORBIDDEN, 'file').write_bytes(b'x')",
    "Path(FORBIDDEN, 'new').touch()",
    "Path(FORBIDDEN, 'file').unlink()",
    "os.truncate(FORBIDDEN + '/file', 0)",
    "os.listdir(FORBIDDEN)",
    "Path(READABLE, 'file').write_bytes(b'x')",
    "Path(READABLE, 'new').touch()",
    "Path(WRITABLE, 'file').rename(Path(READABLE, 'moved'))",
    "os.link(FORBIDDEN + '/file', WRITABLE + '/link')",
    "os.symlink(FORBIDDEN + '/file', WRITABLE + '/link'); Path(WRITABLE, 'link').read_bytes()",
    "Path('/etc/passwd').read_bytes()",
    "Path(f'/proc/{PARENT}/environ').read_bytes()",
    "Path(f'/proc/{PARENT}/mem').open('rb')",
    "os.kill(PARENT, 0)",
    "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    "socket.create_server(('127.0.0.1', OTHER_PORT))",
    "Path(LISTED, 'file').read_bytes()",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_fails_in_a_confined_process_alone(attack: str) -> None:
    assert outcomes(ATTACKS, is_confined=True)[attack] in ("PermissionError", "other error")
    assert outcomes(ATTACKS, is_confined=False)[attack] == "done"


ACTIONS = (
    "assert Path(READABLE, 'file').read_bytes() == b'readable'",
    "assert os.listdir(READABLE) == ['file']",
    "Path(WRITABLE, 'file').write_bytes(b'x')",
    "Path(WRITABLE, 'a').mkdir(); Path(WRITABLE, 'file').rename(Path(WRITABLE, 'a', 'file'))",
    "os.truncate(WRITABLE + '/file', 0)",
    "Path(WRITABLE, 'file').unlink()",
    "socket.socket(socket.AF_UNIX).bind(WRITABLE + '/socket')",
    "socket.create_server(('127.0.0.1', PORT)).close()",
    "os.utime(WRITABLE + '/file')",
    "assert os.listdir(LISTED) == ['file']",
    "os.kill(os.getpid(), 0)",
    "import sqlite3, ssl; ssl.create_default_context()",
    "import threading; t = threading.Thread(target=print); t.start(); t.join()",
)


@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_rules_allow_works(action: str) -> None:
    assert outcomes(ACTIONS, is_confined=True)[action] == "done"
