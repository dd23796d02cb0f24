"""The embedded object store refuses other users of the machine on every port."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from domain.clock import SystemClock
from domain.errors import SightlineError
from sightline.privileges.store_secrets import StoreSecrets
from sightline.processes.child import Child, ChildSpec
from sightline.processes.embedded_servers import seaweedfs, seaweedfs_binary
from sightline.processes.ports import free_ports
from sightline.processes.seaweedfs_security import SeaweedfsSecurity
from sightline.processes.server_certificates import CertificateFiles
from storage.clients.s3 import ObjectStore
from tests.waiting import PATIENCE_S

SECRETS = StoreSecrets("valkey-password", "access", "secret", "signing")
KEY = "state/people/li/0000000001.json"
PATH = f"/buckets/sightline/{KEY}"
CONTENT = b"secret evidence" * 100
OTHER_USER = 65534
CLOCK = SystemClock()
GRPC = ("master", "volume", "filer", "s3")


@dataclass(frozen=True, slots=True)
class Store:
    spec: ChildSpec
    folder: Path
    objects: ObjectStore

    def port(self, flag: str) -> int:
        (found,) = (a for a in self.spec.arguments if a.startswith(f"-{flag}="))
        return int(found.partition("=")[2])

    def url(self, server: str, path: str) -> str:
        return f"http://127.0.0.1:{self.port(f'{server}.port')}{path}"

    @property
    def config(self) -> Path:
        return self.folder / "security"

    def shell(self, config: Path, user: int | None = None) -> subprocess.Popen[str]:
        """Start `weed shell`, as another user if `user` is given; it reads commands from stdin."""
        master = f"127.0.0.1:{self.port('master.port')}.{self.port('master.port.grpc')}"
        filer = f"127.0.0.1:{self.port('filer.port')}.{self.port('filer.port.grpc')}"
        command = [str(seaweedfs_binary()), "-logtostderr=true", f"-config_dir={config}"]
        return subprocess.Popen(
            [*command, "shell", f"-master={master}", f"-filer={filer}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
            cwd="/",
            user=user,
        )

    def ask(self, commands: str) -> str:
        """Return the output of a `weed shell` that has the certificate of the instance."""
        return self.shell(self.config).communicate(commands, timeout=PATIENCE_S)[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("private") / 'with space, 摄像机 and "quotes"'
    (port,) = free_ports(1)
    spec = seaweedfs(folder, port, SECRETS, folder.parent / "log", CLOCK)
    child = Child(spec, CLOCK)
    child.start()
    child.wait_ready()
    objects = ObjectStore(f"127.0.0.1:{port}", "access", "secret", "sightline")
    objects.ensure_bucket()
    yield Store(spec, folder, objects)
    objects.close()
    child.stop()


@pytest.fixture(autouse=True)
def _stored(store: Store) -> Iterator[None]:
    store.objects.put(KEY, CONTENT, "application/json")
    yield
    assert store.objects.get(KEY) == CONTENT


def _foreign(tmp_path: Path) -> SeaweedfsSecurity:
    """Create an attacker's own authority and certificate."""
    security = SeaweedfsSecurity(tmp_path / "foreign", "other")
    security.prepare(CLOCK)
    return security


FOLDER = PATH.rpartition("/")[0]
READ = f"fs.ls {FOLDER}\nfs.cat {PATH}\n"
INTRUDE = READ + f"fs.meta.cat {PATH}\nvolume.list\nfs.rm {PATH}\n"


def test_weed_shell_serves_the_certificate_of_the_instance_alone(
    store: Store,
    tmp_path: Path,
) -> None:
    """A refused shell retries without end, so it runs longer than an accepted one."""
    intruders = [store.shell(tmp_path), store.shell(_foreign(tmp_path).folder)]
    if os.geteuid() == 0:
        intruders.append(store.shell(store.config, OTHER_USER))
    for shell in intruders:
        assert shell.stdin is not None
        shell.stdin.write(INTRUDE)
        shell.stdin.flush()
    seen = store.ask(READ)
    assert "0000000001.json" in seen
    assert CONTENT.decode() in seen
    for shell in intruders:
        shell.kill()
        assert not re.search(r"secret evidence|fileId|DataCenter", shell.communicate()[0])


def test_another_user_reads_no_file_of_the_store(store: Store) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run a process as another user")
    for file in (store.config / "identity.pem", store.folder / "s3.json"):
        readable = subprocess.run(["cat", file], capture_output=True, check=True)
        assert readable.stdout
        seen = subprocess.run(["cat", file], capture_output=True, user=OTHER_USER, check=False)
        assert seen.returncode != 0
        assert seen.stdout == b""


@pytest.mark.parametrize("component", GRPC)
@pytest.mark.parametrize("has_foreign_certificate", [False, True])
def test_a_grpc_port_refuses_a_client_of_another_authority(
    store: Store, tmp_path: Path, component: str, has_foreign_certificate: bool
) -> None:
    port = store.port(f"{component}.port.grpc")
    address = ("127.0.0.1", port)
    unix = f"/tmp/seaweedfs-{component}-grpc-{port}.sock"
    foreign = _foreign(tmp_path).files if has_foreign_certificate else None
    with (
        socket.create_connection(address, PATIENCE_S) as tcp,
        socket.socket(socket.AF_UNIX) as local,
    ):
        local.settimeout(PATIENCE_S)
        local.connect(unix)
        assert _refuses(tcp, foreign)
        assert _refuses(local, foreign)


def _refuses(connection: socket.socket, foreign: CertificateFiles | None) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if foreign:
        context.load_cert_chain(foreign.identity)
    try:
        with context.wrap_socket(connection) as wrapped:
            return wrapped.recv(1) == b""  # with TLS 1.3 the answer comes with the first read
    except (ssl.SSLError, ConnectionError):
        return True


def test_a_grpc_port_serves_a_client_with_the_certificate_of_the_instance(store: Store) -> None:
    context = SeaweedfsSecurity(store.config, "signing").client_context()
    context.set_alpn_protocols(["h2"])
    for component in GRPC:
        address = ("127.0.0.1", store.port(f"{component}.port.grpc"))
        with (
            socket.create_connection(address, PATIENCE_S) as connection,
            context.wrap_socket(connection, server_hostname="127.0.0.1") as wrapped,
        ):
            wrapped.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            assert wrapped.recv(9)[3:4] == b"\4", "a SETTINGS frame begins an HTTP/2 connection"


def test_the_master_hands_no_token_to_a_client_without_a_certificate(store: Store) -> None:
    """The master's HTTP API signs tokens; with a token any object could be deleted."""
    for path in ("/dir/assign", "/dir/lookup?fileId=1,0100000001", "/dir/status"):
        answer = httpx.get(store.url("master", path), trust_env=False, timeout=PATIENCE_S)
        assert answer.status_code == 400
        assert "HTTPS server" in answer.text
    url = store.url("master", "/dir/assign").replace("http:", "https:")
    with pytest.raises(httpx.TransportError):
        httpx.get(url, trust_env=False, timeout=PATIENCE_S, verify=False)


def test_the_volume_server_and_the_filer_demand_tokens(store: Store) -> None:
    seen = store.ask(f"fs.meta.cat {PATH}\n")
    file_id = re.search(r'"(?:fileId|file_id)":\s*"([^"]+)"', seen)
    assert file_id, seen
    for url in (store.url("volume", f"/{file_id[1]}"), store.url("filer", PATH)):
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            assert (
                httpx.request(method, url, trust_env=False, timeout=PATIENCE_S).status_code == 401
            ), (method, url)


def test_its_sockets_are_gone_once_it_has_stopped(tmp_path: Path) -> None:
    """A second running instance keeps its sockets."""
    (port,) = free_ports(1)
    spec = seaweedfs(tmp_path / "s", port, SECRETS, tmp_path / "log", CLOCK)
    child = Child(spec, CLOCK)
    child.start()
    child.wait_ready()
    grpc = (a.lstrip("-").split(".port.grpc=") for a in spec.arguments if ".port.grpc=" in a)
    names = [f"seaweedfs-{server}-grpc-{number}.sock" for server, number in grpc]
    made = [file for name in names if (file := Path("/tmp") / name).exists()]
    assert len(made) == 4
    child.stop()
    assert not [file for file in made if file.exists()]


def test_the_sockets_of_a_killed_run_are_removed_at_the_next_start(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    child = Child(seaweedfs(tmp_path / "s", port, SECRETS, tmp_path / "log", CLOCK), CLOCK)
    child.start()
    child.wait_ready()
    left = [Path(path) for path in _noted(tmp_path)]
    child.kill()
    assert child._process is not None
    child._process.wait()
    assert all(path.exists() for path in left)
    seaweedfs(tmp_path / "s", port, SECRETS, tmp_path / "log", CLOCK).prepare()
    assert not [path for path in left if path.exists()]


def _noted(tmp_path: Path) -> list[str]:
    return re.findall(r'"([^"]+)"', (tmp_path / "s" / "sockets.json").read_text())


def test_a_server_without_tls_is_refused_at_its_start(tmp_path: Path) -> None:
    """SeaweedFS ignores certificates that it cannot read."""
    security = SeaweedfsSecurity(tmp_path / "security", "signing")
    security.prepare(CLOCK)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        plain.settimeout(PATIENCE_S)
        with pytest.raises(SightlineError, match="accepts connections without a certificate"):
            _answering_in_clear(plain, security)


def _answering_in_clear(plain: socket.socket, security: SeaweedfsSecurity) -> None:
    def answer() -> None:
        connection, _ = plain.accept()
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        security.check_refusal(plain.getsockname()[1])
    finally:
        thread.join()
