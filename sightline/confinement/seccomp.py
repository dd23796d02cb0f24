"""Denies system calls that Sightline's processes do not need, by a seccomp filter.

See `seccomp(2)`. A denied call fails with EPERM. The filter is for all threads of the process and
for what they start.
"""

from __future__ import annotations

import ctypes
import errno
import socket

from sightline.confinement.system_calls import Architecture, call

_SET_MODE_FILTER, _THREAD_SYNC = 1, 1
_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Opcodes of classic BPF: load a word, the conditional jumps, and return."""
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in `struct seccomp_data`. Both architectures are little-endian."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NEW_NAMESPACES = 0x7E020000
"""The flags `CLONE_NEW*` of `clone`: mount, cgroup, UTS, IPC, user, process and network."""
_ADDRESS_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_NOT_ALWAYS = frozenset({"clone", "clone3", "socket", "seccomp", "capget", "capset"})


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_uint16),
        ("instructions", ctypes.POINTER(_Instruction)),
    )


Instruction = tuple[int, int, int, int]
"""Opcode, instructions to skip if the condition is true, and if it is false, and the operand."""


def denied_calls(architecture: Architecture) -> list[str]:
    """Return the names of the system calls that always fail."""
    return sorted(architecture.numbers.keys() - _NOT_ALWAYS)


def program(architecture: Architecture) -> list[Instruction]:
    """Return the filter: denied are calls of another architecture, those of `denied_calls`, new
    namespaces, and sockets of families other than Unix, IP and netlink.

    `clone3` is reported as absent, because a filter cannot read its flags; the C library then uses
    `clone`.
    """
    numbers = architecture.numbers
    fail = (_RETURN, 0, 0, _FAIL | errno.EPERM)
    absent = (_RETURN, 0, 0, _FAIL | errno.ENOSYS)
    result = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture.audit_arch),
        fail,
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if architecture.foreign_from is not None:
        result += [(_AT_LEAST, 0, 1, architecture.foreign_from), fail]
    for name in denied_calls(architecture):
        result += [(_EQUAL, 0, 1, numbers[name]), fail]
    result += [(_EQUAL, 0, 1, numbers["clone3"]), absent]
    result += [
        (_EQUAL, 0, 4, numbers["clone"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_HAS_BITS, 0, 1, _NEW_NAMESPACES),
        fail,
        (_RETURN, 0, 0, _ALLOW),
    ]
    families = _ADDRESS_FAMILIES
    result += [(_EQUAL, 0, len(families) + 2, numbers["socket"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT)]
    result += [(_EQUAL, len(families) - index, 0, family) for index, family in enumerate(families)]
    return [*result, fail, (_RETURN, 0, 0, _ALLOW)]


def install(architecture: Architecture) -> None:
    """Install the filter in all threads, for good. Raises OSError.

    `set_no_new_privileges` comes first.
    """
    instructions = program(architecture)
    array = (_Instruction * len(instructions))(*(_Instruction(*one) for one in instructions))
    whole = _Program(len(array), array)
    number = architecture.numbers["seccomp"]
    failed_thread = call(number, _SET_MODE_FILTER, _THREAD_SYNC, ctypes.byref(whole))
    if failed_thread:
        raise OSError(errno.ESRCH, f"thread {failed_thread} cannot be given the seccomp filter")
