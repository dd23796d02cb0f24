"""The filter decides as stated for each architecture, and real calls are denied."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

import pytest

from sightline.confinement.seccomp import denied_calls, program
from sightline.confinement.system_calls import ARCHITECTURES, Architecture
from tests.sightline.confinement.confined import outcomes, requires_confinement

ALLOWED, FAILS_EPERM, FAILS_ENOSYS = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS


def _verdict(
    architecture: Architecture, number: int, argument: int = 0, audit_arch: int | None = None
) -> int:
    """Run the filter as the kernel does."""
    words = {
        0: number,
        4: architecture.audit_arch if audit_arch is None else audit_arch,
        16: argument & 0xFFFFFFFF,
    }
    accumulator, position, instructions = 0, 0, program(architecture)
    while True:
        code, if_true, if_false, value = instructions[position]
        if code == 0x06:
            return value
        if code == 0x20:
            accumulator = words[value]
            position += 1
            continue
        is_true = {
            0x15: accumulator == value,
            0x35: accumulator >= value,
            0x45: bool(accumulator & value),
        }[code]
        position += 1 + (if_true if is_true else if_false)


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return ARCHITECTURES[str(request.param)]


def test_dangerous_calls_are_denied_and_all_others_allowed(architecture: Architecture) -> None:
    numbers = architecture.numbers
    denied = {numbers[name] for name in denied_calls(architecture)}
    assert {"execve", "ptrace", "mount", "bpf", "keyctl", "process_vm_readv"} <= {
        name for name, number in numbers.items() if number in denied
    }
    special = {numbers["clone3"], numbers["socket"]}
    for number in range(600):
        if number not in special:
            expected = FAILS_EPERM if number in denied else ALLOWED
            assert _verdict(architecture, number) == expected, number
    assert _verdict(architecture, numbers["clone3"]) == FAILS_ENOSYS


def test_threads_can_be_started_and_namespaces_cannot(architecture: Architecture) -> None:
    clone = architecture.numbers["clone"]
    assert _verdict(architecture, clone, 0x3D0F00) == ALLOWED  # as glibc starts a thread
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert _verdict(architecture, clone, 0x11 | flag) == FAILS_EPERM


def test_only_unix_ip_and_netlink_sockets_can_be_made(architecture: Architecture) -> None:
    allowed = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
    for family in range(46):
        expected = ALLOWED if family in allowed else FAILS_EPERM
        assert _verdict(architecture, architecture.numbers["socket"], family) == expected


def test_calls_of_another_architecture_are_denied() -> None:
    """The same number may be another call there: 221 is `execve` on ARM."""
    x86, arm = ARCHITECTURES["x86_64"], ARCHITECTURES["aarch64"]
    assert _verdict(x86, 0, audit_arch=arm.audit_arch) == FAILS_EPERM
    assert _verdict(x86, 0, audit_arch=0x40000003) == FAILS_EPERM  # 32-bit x86
    assert _verdict(arm, 0, audit_arch=x86.audit_arch) == FAILS_EPERM
    assert _verdict(x86, 0x40000000) == FAILS_EPERM  # x32


ATTACKS = (
    "os.execv('/bin/true', ['true'])",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "subprocess.run(['/bin/sh', '-c', 'true'], check=True)",
    "libc_call(101 if X86 else 117, 0x4206, PARENT, 0, 0)",  # PTRACE_SEIZE
    "libc_call(310 if X86 else 270, os.getpid(), 0, 0, 0, 0, 0)",
    "os.chmod(WRITABLE + '/file', 0o777)",
    "os.chown(WRITABLE + '/file', os.getuid(), os.getgid())",
    "os.setxattr(WRITABLE + '/file', 'user.x', b'y')",
    "libc_call(298 if X86 else 241, 0, 0, 0, 0, 0)",
    "libc_call(425, 0, 0)",
    "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
)
NEEDS_ROOT = ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",)


@requires_confinement
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_fails_in_a_confined_process_alone(attack: str) -> None:
    """Without confinement the kernel does it, or fails for a reason of its own."""
    assert outcomes(ATTACKS, is_confined=True)[attack] == "PermissionError"
    if attack in NEEDS_ROOT and os.getuid() != 0:
        pytest.skip("only root can do this without confinement")
    assert outcomes(ATTACKS, is_confined=False)[attack] in ("done", "other error")


EARLIER_THREAD = """\
import os, threading
from sightline.confinement import seccomp, system_calls

confined, outcome = threading.Event(), []

def attack():
    confined.wait()
    try:
        os.chmod("/dev/null", 0o666)
    except PermissionError:
        outcome.append("denied")

thread = threading.Thread(target=attack)
thread.start()
system_calls.set_no_new_privileges()
seccomp.install(system_calls.architecture())
confined.set()
thread.join()
print(*outcome)
"""


@requires_confinement
def test_threads_that_started_before_are_filtered_too() -> None:
    words = (sys.executable, "-c", EARLIER_THREAD)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "denied\n"
