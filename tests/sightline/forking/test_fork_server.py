"""The fork server, with modules that the tests write."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.clock import SystemClock
from sightline.forking.client import ForkedProcess, ForkServer
from sightline.forking.request import LOADED, MAX_BYTES, ForkRequest
from sightline.processes.child import Child, ChildSpec
from tests.waiting import PATIENCE_S

CLOCK = SystemClock()
PROGRAM = """
import json, os, sys, threading

LOADED_IN = os.getpid()
PREPARED_IN = []

def preload():
    PREPARED_IN.append(os.getpid())

def main():
    word = sys.stdin.readline()
    command = open("/proc/self/cmdline", encoding="utf-8").read().rstrip(chr(0))
    print(json.dumps({
        "arguments": sys.argv, "word": word, "command": command, "parent": os.getppid(),
        "loaded_before": LOADED_IN != os.getpid(), "prepared_in": PREPARED_IN == [LOADED_IN],
        "environment": dict(os.environ),
        "session": os.getsid(0) == os.getpid(),
        "shares_command": "of_the_command" in sys.modules,
        "open": sorted(map(int, os.listdir("/proc/self/fd"))),
    }), flush=True)
    if word == "end\\n":
        sys.exit(3)
    threading.Event().wait()
"""
NAMES_DESCRIPTORS = """
import json, os
from sightline.forking.served_sockets import inherited

def main():
    print(json.dumps([os.readlink(f"/proc/self/fd/{number}") for number in inherited()]))
"""
STARTS_A_THREAD = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()

def main():
    print("ran", flush=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForkServer]:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "names_descriptors.py").write_text(NAMES_DESCRIPTORS)
    server = ForkServer(
        ["program", "names_descriptors"],
        {"PYTHONPATH": str(tmp_path), "ONLY": "template"},
        tmp_path / "fork.log",
    )
    server.start()
    server.wait_loaded(threading.Event(), CLOCK)
    yield server
    server.stop()


class Forked:
    """A process of `PROGRAM` with its pipes."""

    def __init__(self, server: ForkServer, *arguments: str) -> None:
        stdin, self._words = os.pipe()
        self._lines, stdout = os.pipe()
        request = ForkRequest("program", arguments, signal.SIGTERM)
        process = server.fork(request, {"OWN": "1"}, (stdin, stdout, stdout))
        assert process is not None
        self.process: ForkedProcess = process
        os.close(stdin)
        os.close(stdout)

    def report(self, word: str) -> dict[str, object]:
        os.write(self._words, f"{word}\n".encode())
        os.close(self._words)
        with os.fdopen(self._lines) as lines:
            report: dict[str, object] = json.loads(lines.readline())
        return report


def test_a_forked_process_has_its_own_arguments_environment_and_parent(server: ForkServer) -> None:
    forked = Forked(server, "--data", "a b", "\udcff摄")
    report = forked.report("end")
    assert report == {
        "arguments": ["program", "--data", "a b", "\udcff摄"],
        "word": "end\n",
        "command": "python -m program --data a b \ufffd摄",
        "parent": os.getpid(),
        "loaded_before": True,
        "prepared_in": True,
        "environment": {"OWN": "1"},
        "session": True,
        "shares_command": False,
        # The last one is the folder that the process lists.
        "open": [0, 1, 2, 3],
    }
    assert forked.process.wait(PATIENCE_S) == 3
    assert forked.process.poll() == 3


def test_a_forked_process_has_further_descriptors_in_their_order(
    server: ForkServer, tmp_path: Path
) -> None:
    files = [(tmp_path / name).open("w+") for name in ("first", "second")]
    stdin, words = os.pipe()
    lines, stdout = os.pipe()
    descriptors = (stdin, stdout, stdout, *(file.fileno() for file in files))
    request = ForkRequest("names_descriptors", (), signal.SIGTERM)
    process = server.fork(request, {"OWN": "1"}, descriptors)
    assert process is not None
    for descriptor in (stdin, words, stdout):
        os.close(descriptor)
    with os.fdopen(lines) as written:
        assert json.loads(written.read()) == [file.name for file in files]
    assert process.wait(PATIENCE_S) == 0
    for file in files:
        file.close()


def test_a_forked_process_receives_signals(server: ForkServer) -> None:
    forked = Forked(server)
    forked.report("stay")
    assert forked.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.process.wait(0.01)
    forked.process.kill()
    assert forked.process.wait(PATIENCE_S) == -signal.SIGKILL
    forked.process.send_signal(signal.SIGTERM)  # It has ended, so nothing receives it.


def test_forked_processes_survive_their_server_which_is_started_again(
    server: ForkServer, caplog: pytest.LogCaptureFixture
) -> None:
    first = Forked(server)
    first.report("stay")
    server.stop()
    request = ForkRequest("program", (), signal.SIGTERM)
    assert server.fork(request, {}, ()) is None
    assert "is started again" in caplog.text
    server.wait_loaded(threading.Event(), CLOCK)
    second = Forked(server)
    assert second.report("end")["loaded_before"]
    assert second.process.wait(PATIENCE_S) == 3
    assert first.process.poll() is None
    first.process.kill()
    first.process.wait(PATIENCE_S)


def test_a_process_without_an_environment_does_not_run(tmp_path: Path) -> None:
    """The supervisor may have given up on the answer, and started the process another way."""
    (tmp_path / "program.py").write_text(PROGRAM)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = (sys.executable, "-m", "sightline.forking.server", str(theirs.fileno()))
    with (
        subprocess.Popen(command, pass_fds=(theirs.fileno(),)) as server,
        (tmp_path / "out").open("wb") as out,
    ):
        assert ours.recv(MAX_BYTES) == LOADED
        reader, writer = os.pipe()
        os.close(writer)
        request = ForkRequest("program", (), signal.SIGTERM)
        descriptors = (reader, out.fileno(), out.fileno(), out.fileno())
        socket.send_fds(ours, [request.encoded()], descriptors)
        process = ForkedProcess(int(ours.recv(MAX_BYTES)))
        assert process.wait(PATIENCE_S) == 0
        ours.close()
        theirs.close()
        assert server.wait(PATIENCE_S) == 0
    assert (tmp_path / "out").read_bytes() == b""


def test_a_module_that_starts_threads_is_run_without_the_fork_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "threaded.py").write_text(STARTS_A_THREAD)
    server = ForkServer(["threaded"], {"PYTHONPATH": str(tmp_path)}, tmp_path / "fork.log")
    server.start()
    server.wait_loaded(threading.Event(), CLOCK)
    spec = ChildSpec(
        "child",
        (sys.executable, "-m", "threaded"),
        tmp_path / "child.log",
        env={"PYTHONPATH": str(tmp_path)},
        is_forkable=True,
    )
    child = Child(spec, CLOCK, fork_server=server)
    child.start()
    assert "2 threads after loading modules" in caplog.text
    child.join()
    assert child.exit_code() == 0
    server.stop()


def test_forked_processes_die_with_the_supervisor(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    supervisor = f"""
import os, signal, sys, threading
from pathlib import Path
from domain.clock import SystemClock
from sightline.forking.client import ForkServer
from sightline.forking.request import ForkRequest
folder = {str(tmp_path)!r}
server = ForkServer(["program"], {{"PYTHONPATH": folder}}, Path(folder, "log"))
server.start()
server.wait_loaded(threading.Event(), SystemClock())
request = ForkRequest("program", (), signal.SIGTERM)
print(server.fork(request, {{"OWN": "1"}}, (0, 1, 1)).pid, flush=True)
threading.Event().wait()
"""
    stdin, words = os.pipe()
    with subprocess.Popen(
        (sys.executable, "-c", supervisor), stdin=stdin, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        forked = os.pidfd_open(int(process.stdout.readline()))
        os.write(words, b"stay\n")
        assert json.loads(process.stdout.readline())["parent"] == process.pid
        process.kill()
        # A descriptor of a process can be read when the process has ended.
        assert select.select([forked], [], [], 10)[0]
    for descriptor in (stdin, words, forked):
        os.close(descriptor)


COMMAND = """
import json, os, sys, threading
from pathlib import Path
from domain.clock import SystemClock
from sightline.forking import system_environment
from sightline.forking.client import ForkServer
from sightline.forking.request import ForkRequest
folder = Path(sys.argv[1])
variables = {name: os.environ[name] for name in ("PYTHONPATH", "PATH")}
server = ForkServer(["program"], variables, folder / "log")
system_environment.start_again(server.environment)
import of_the_command
request = server.split_off(system_environment.forget_whole)
if request is not None:
    import program
    program.main()
    sys.exit()
system_environment.restore_whole()
server.wait_loaded(threading.Event(), SystemClock())
process = server.fork(ForkRequest("program", ("x",), 15), {"OWN": "1"}, (0, 1, 1))
print(json.dumps({
    "supervisor": os.getpid(), "server": server._process.pid, "SECRET": os.environ["SECRET"],
    "code": process.wait(120), "loaded": os.environ["IMPORTED_IN"] == str(os.getpid()),
}), flush=True)
sys.stdin.readline()
server.stop()
"""


OF_THE_COMMAND = """
import os
assert 'SECRET' not in os.environ
os.environ['IMPORTED_IN'] = str(os.getpid())
"""
STARTS_A_THREAD_IN_THE_COMMAND = f"""
{OF_THE_COMMAND}
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


@pytest.mark.parametrize(
    "module",
    [OF_THE_COMMAND, STARTS_A_THREAD_IN_THE_COMMAND],
    ids=["one thread", "two threads"],
)
def test_a_server_that_a_command_forks_from_itself_has_no_secret(
    module: str, tmp_path: Path
) -> None:
    """The command has the same process id before and after it starts again. A command with threads
    does not fork its server.
    """
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "command.py").write_text(COMMAND)
    (tmp_path / "of_the_command.py").write_text(module)
    paths = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", str(Path.cwd()))))
    of_the_caller = os.open(tmp_path / "file of the caller", os.O_CREAT)
    with subprocess.Popen(
        (sys.executable, str(tmp_path / "command.py"), str(tmp_path)),
        env={**os.environ, "PYTHONPATH": paths, "SECRET": "of the site"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=(of_the_caller,),
    ) as command:
        os.close(of_the_caller)
        assert command.stdin is not None
        assert command.stdout is not None
        command.stdin.write("end\n")
        command.stdin.flush()
        forked = json.loads(command.stdout.readline())
        supervisor = json.loads(command.stdout.readline())
        started = Path(f"/proc/{command.pid}/environ").read_bytes()
        files = [
            str(file.readlink()) for file in Path(f"/proc/{supervisor['server']}/fd").iterdir()
        ]
        command.stdin.write("\n")
        command.stdin.flush()
        assert command.wait(PATIENCE_S) == 0
    assert (forked["parent"], forked["environment"]) == (command.pid, {"OWN": "1"})
    assert forked["loaded_before"]
    assert forked["shares_command"] is (module is OF_THE_COMMAND)
    assert forked["open"] == [0, 1, 2, 3]
    assert supervisor["supervisor"] == command.pid
    assert supervisor["SECRET"] == "of the site"
    assert (supervisor["code"], supervisor["loaded"]) == (3, True)
    assert b"SECRET" not in started
    assert not [file for file in files if "memfd" in file or "of the caller" in file]
