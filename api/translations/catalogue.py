"""Messages in Chinese: the translation of a template is looked up, and the parts are kept."""

from __future__ import annotations

from api.translations.alarms import ALARMS
from api.translations.causes import CAUSES_OF_CAMERAS
from api.translations.errors import SENTENCES
from api.translations.files import FILE_FAULTS, OF_LIBRARIES
from api.translations.limits import LIMITS
from api.translations.live import LIVE
from api.translations.openid import SIGN_INS
from api.translations.parameters import PARAMETERS
from api.translations.streams import STREAM_SENTENCES
from api.translations.validation import VALIDATION
from domain.messages.message import Message

CHINESE_TEMPLATES: dict[str, str] = {
    **SENTENCES,
    **ALARMS,
    **CAUSES_OF_CAMERAS,
    **STREAM_SENTENCES,
    **PARAMETERS,
    **VALIDATION,
    **SIGN_INS,
    **LIMITS,
    **LIVE,
    **FILE_FAULTS,
    **OF_LIBRARIES,
}
"""The Chinese template of each English one, with the same names of parts."""


def in_chinese(message: Message) -> Message:
    """Return a message in Chinese. A template that is not known stays English."""
    return message.translated(CHINESE_TEMPLATES.get)
