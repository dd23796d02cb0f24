"""SOAP 1.2 as ONVIF devices use it: envelopes with logins, and safe parsing of answers. Pure.

Sources: SOAP 1.2, WS-Addressing 1.0, WS-Security UsernameToken Profile 1.1, ONVIF Core
Specification 22.12, chapter 5. Manufacturers use different prefixes and namespace versions, so
names are compared without them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from typing import Any
from xml.etree import ElementTree as Tree
from xml.sax.saxutils import escape

from domain.camera_states import Why
from domain.errors import SourceRejected, SourceUnreachable

Element = Tree.Element
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_DEEPEST = 64
_MAX_CHARACTERS = 200
"""The number of characters of a device's fault that an error text quotes."""


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One request. With `is_open` it is sent without a login, so that a device with a wrong clock
    can return its time.
    """

    action: str
    body: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One login. `created` is the device's time as RFC 3339, because devices refuse old tokens and
    repeated nonces.
    """

    user: str
    password: str
    nonce: bytes
    created: str

    def header(self) -> str:
        digest = sha1(
            self.nonce + self.created.encode() + self.password.encode(), usedforsecurity=False
        ).digest()
        return (
            f'<wsse:Security s:mustUnderstand="1" xmlns:wsse="{_WSS}wssecurity-secext-1.0.xsd" '
            f'xmlns:wsu="{_WSS}wssecurity-utility-1.0.xsd"><wsse:UsernameToken><wsse:Username>{escape(self.user)}</wsse:Username>'
            "<wsse:Password "
            f'Type="{_WSS}username-token-profile-1.0#PasswordDigest">{b64encode(digest).decode()}</wsse:Password>'
            "<wsse:Nonce "
            f'EncodingType="{_WSS}soap-message-security-1.0#Base64Binary">{b64encode(self.nonce).decode()}</wsse:Nonce>'
            f"<wsu:Created>{self.created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
        )


def envelope(request: SoapRequest, to: str, token: Token | None, references: str = "") -> bytes:
    """Return a request as XML. `references` are headers that the device requires, as XML."""
    security = token.header() if token is not None and not request.is_open else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://www.w3.org/2005/08/addressing">'
        f"<s:Header><a:Action>{request.action}</a:Action><a:To>{escape(to)}</a:To>{references}{security}</s:Header>"
        f"<s:Body>{request.body}</s:Body></s:Envelope>"
    ).encode()


class _Builder(Tree.TreeBuilder):
    """Builds a tree of bounded depth without a document type, and therefore without entities."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a document type is not allowed in SOAP")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("it is nested too deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_answer(answer: bytes) -> Element:
    """Return the body of an answer. Raises SourceRejected and SourceUnreachable for a SOAP fault,
    and for what is not SOAP.
    """
    parser: Tree.XMLParser[Any] = Tree.XMLParser(target=_Builder())  # noqa: S314 (see _Builder)
    try:
        parser.feed(answer)
        root = parser.close()
    except (Tree.ParseError, LookupError, ValueError) as error:
        raise SourceUnreachable(
            "what answers is no ONVIF device: {error}", Why.REJECTED, error=error
        ) from error
    body = first_element(root, "Body")
    if local_name(root) != "Envelope" or body is None:
        raise SourceUnreachable("what answers is no ONVIF device", Why.REJECTED)
    fault = first_element(body, "Fault")
    if fault is not None:
        _raise(" ".join(" ".join(fault.itertext()).split())[:_MAX_CHARACTERS])
    return body


def _raise(said: str) -> None:
    if any(word in said for word in ("NotAuthorized", "FailedAuthentication", "InvalidSecurity")):
        raise SourceRejected("ONVIF refused the credentials: {answer}", answer=said)
    raise SourceUnreachable("ONVIF refused: {answer}", Why.REJECTED, answer=said)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def elements(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if local_name(element) == name)


def first_element(root: Element, *path: str) -> Element | None:
    """Return the first `path[0]` anywhere in `root`, the first `path[1]` anywhere in that, and so
    on.
    """
    found: Element | None = root
    for name in path:
        found = next(elements(found, name), None) if found is not None else None
    return found


def first_text(root: Element, *path: str) -> str:
    """Return the text of `first_element`; empty if there is none."""
    found = first_element(root, *path)
    return (found.text or "").strip() if found is not None else ""
