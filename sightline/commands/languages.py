"""The language of what the commands print: Chinese where the locale of the terminal is Chinese.

Faults of files and errors are translated. JSON is for programs and stays English.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from api.translations.catalogue import in_chinese
from domain.errors import PolicyInvalid, RegistryInvalid, SightlineError
from domain.messages.message import Message

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The variables of POSIX that name the locale of messages. The first that is not empty counts."""


def localized(message: Message, environ: Mapping[str, str] = os.environ) -> Message:
    """Return a message in the language of the terminal. One without a translation is English."""
    locale = next((value for name in _LOCALE if (value := environ.get(name))), "")
    return in_chinese(message) if locale.lower().startswith("zh") else message


def error_text(error: SightlineError, environ: Mapping[str, str] = os.environ) -> str:
    """Return an error in the language of the terminal: a line for each fault of a file."""
    if isinstance(error, RegistryInvalid | PolicyInvalid):
        return "\n".join(localized(fault.sentence, environ) for fault in error.faults)
    return localized(error.message, environ)
