"""What the supervisor asks the fork server for: one new process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

LOADED = b"loaded"
"""The fork server sends it once, when it has loaded its modules."""
MAX_BYTES = 128 << 10
MAX_DESCRIPTORS = 16
STANDARD_DESCRIPTORS = 3
"""The first descriptors after the environment's become standard input, output and error. Others
keep their order, and have numbers of the new process (`served_sockets.py`).
"""


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """A process to fork. Its descriptors travel with the message.

    The first one is a pipe from which the new process reads its environment. The fork server never
    reads it, because later processes would inherit the secrets in it.
    """

    module: str
    """The module whose `main` the process runs."""
    arguments: tuple[str, ...]
    death_signal: int
    """The signal that the kernel sends to it when the supervisor dies."""

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, message: bytes) -> ForkRequest:
        fields = json.loads(message)
        return cls(**{**fields, "arguments": tuple(fields["arguments"])})


def encoded_environment(environment: Mapping[str, str]) -> bytes:
    return json.dumps(dict(environment)).encode()


def decoded_environment(message: bytes) -> dict[str, str]:
    environment: dict[str, str] = json.loads(message)
    return environment
