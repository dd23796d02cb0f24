"""Numbers of Linux system calls, and calls of those that Python has no function for.

The numbers are those of `asm/unistd_64.h` (x86-64) and `asm-generic/unistd.h` (64-bit ARM).
"""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_PR_SET_NO_NEW_PRIVS = 38

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
"""They are the same on every architecture."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The system calls of an architecture. Calls that it lacks are absent."""

    audit_arch: int
    """The value by which a seccomp filter recognises the architecture (`AUDIT_ARCH_*`)."""
    numbers: dict[str, int]
    foreign_from: int | None = None
    """Numbers from here on belong to another calling convention (x32 on x86-64)."""


_NUMBERS = {
    # name: (x86-64, 64-bit ARM)
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "capget": (125, 90),
    "capset": (126, 91),
    "chmod": (90, None),
    "chown": (92, None),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsetxattr": (190, 7),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lchown": (94, None),
    "lsetxattr": (189, 6),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "seccomp": (317, 277),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "setxattr": (188, 5),
    "socket": (41, 198),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}


def _column(index: int) -> dict[str, int]:
    return {
        name: number for name, numbers in _NUMBERS.items() if (number := numbers[index]) is not None
    }


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, _column(0), foreign_from=0x40000000),
    "aarch64": Architecture(0xC00000B7, _column(1)),
}


def architecture() -> Architecture | None:
    """Return the architecture of this process; None for one whose numbers are not known here."""
    is_64_bit = ctypes.sizeof(ctypes.c_void_p) == 8
    return ARCHITECTURES.get(platform.machine()) if is_64_bit else None


def call(number: int, *arguments: object) -> int:
    """Make a system call. Raises OSError. Integers are passed as 64-bit values."""
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = _LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def set_no_new_privileges() -> None:
    """Keep this process and its children from gaining privileges by executing a file.

    The kernel demands it of a process that restricts itself. Raises OSError.
    """
    zeros = (ctypes.c_ulong(0),) * 3
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), *zeros):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
