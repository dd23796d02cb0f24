"""Restricts this process to some files and TCP ports by Landlock, which needs no privileges.

See `landlock(7)`. The kernel restricts the calling thread and what it starts, so this is called
before the process has other threads.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sightline.confinement.system_calls import (
    LANDLOCK_ADD_RULE,
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_RESTRICT_SELF,
    call,
)

_GET_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
"""The rights of ABI 1, from `EXECUTE` to `MAKE_SYM`."""
_MAKE = sum(1 << bit for bit in (7, 8, 9, 12))
"""Make folders, regular files, sockets and symbolic links; no devices and no FIFOs."""
_REMOVE = 1 << 4 | 1 << 5
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_BIND_TCP = 1
_SCOPES = 1 << 0 | 1 << 1
"""No abstract Unix sockets of processes outside, and no signals to them."""
LEAST_ABI = 2
"""ABI 1 forbids every rename between folders."""
_NET_ABI, _SCOPE_ABI = 4, 6
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _MAKE | _REMOVE | _REFER | _TRUNCATE
_USE_DEVICE = _READ | _WRITE_FILE | _IOCTL_DEVICE


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


@dataclass(frozen=True, slots=True)
class Access:
    """What a process may use. A folder stands for all below it; paths that are absent are skipped.

    No file may be executed.
    """

    lists: tuple[Path, ...] = ()
    """Folders in which it sees names and sizes of files, but no contents."""
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    listens: tuple[int, ...] = ()
    """The TCP ports on which it may listen. Outgoing connections are not limited."""


def abi_version() -> int:
    """Return the version of the kernel's interface; 0 where the kernel has no Landlock."""
    try:
        return call(LANDLOCK_CREATE_RULESET, None, 0, _GET_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


def restrict(access: Access) -> int:
    """Restrict this thread for good, and return the ABI version. Raises OSError.

    `set_no_new_privileges` comes first. With a version below `LEAST_ABI` nothing is restricted.
    """
    abi = abi_version()
    if abi < LEAST_ABI:
        return abi
    handled = _handled_rights(abi)
    ruleset = _create_ruleset(abi, handled)
    try:
        _allow(ruleset, access.lists, _READ_DIR)
        _allow(ruleset, access.reads, _READ & handled)
        _allow(ruleset, access.writes, _WRITE & handled)
        _allow(ruleset, access.devices, _USE_DEVICE & handled)
        if abi >= _NET_ABI:
            for port in access.listens:
                rule = _NetPort(_BIND_TCP, port)
                call(LANDLOCK_ADD_RULE, ruleset, _RULE_NET_PORT, ctypes.byref(rule), 0)
        call(LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _handled_rights(abi: int) -> int:
    later = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEVICE}
    return _FIRST_RIGHTS | sum(right for since, right in later.items() if abi >= since)


def _create_ruleset(abi: int, handled: int) -> int:
    attributes = _Ruleset(
        handled, _BIND_TCP if abi >= _NET_ABI else 0, _SCOPES if abi >= _SCOPE_ABI else 0
    )
    # An older kernel accepts the longer structure if the fields that it does not know are zero.
    return call(LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)


def _allow(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            rule = _PathBeneath(rights if is_folder else rights & _OF_FILES, descriptor)
            call(LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)
