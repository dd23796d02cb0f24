"""The sessions of signed-in browsers, in Redis. Who empties Redis ends all of them.

{sessions}:record:<id>   the record of a session with its HMAC; it expires with the session
{sessions}:all           sorted set of `<person>/<id>`, by the end of the session (UTC ms)

The cookie of a session is stored nowhere; the record has its SHA-256. Each use looks up the record
and the person, so a change of either is in force at the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, ValidationError

from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.derived_keys import derived_key, keyed_hash
from domain.errors import RecordConflict
from domain.metrics import SESSION_RECORDS_REFUSED
from domain.people import Person
from domain.settings import Settings
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script, maybe_texts, text, texts
from storage.site.people import People
from storage.site.person_records import PersonRecord
from storage.site.record_macs import is_mac_of, record_mac, record_text

_log = logging.getLogger(__name__)
ALL = "{sessions}:all"
CREDENTIAL_PREFIX = "session:"
"""`Person.token` of a request with a session is this and the session's id."""
MOST_SESSIONS = 20
"""The sessions of one person at a time; the one that ends first makes room for a new one."""
MAX_TEXT = 200
EMERGENCY_S = 1800
"""How long a session asks for emergency access after that was bound to it."""
_COOKIE_BYTES = 32
_COOKIE_CHARACTERS = 43
_ID_DIGITS = 32
_USED_EVERY_S = 60
"""The time of the last use is written this often, so that most requests only read."""
_MOST_ENDED = 10_000
_ATTEMPTS = 5
_MAC_PREFIX = b"sightline session\n"
_REPLACE = load_script("site", "session_replace")


class SignInMethod(StrEnum):
    """How a person has proved the identity."""

    PASSWORD = "password"
    OPENID = "openid"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session is valid: at most, and without a request."""

    longest_s: int
    idle_s: int

    @classmethod
    def from_settings(cls, settings: Settings) -> SessionLimits:
        return cls(round(settings.session_hours * 3600), round(settings.session_idle_minutes * 60))


class SessionRecord(StoredModel):
    """What Redis has of a session."""

    id: str
    cookie_sha256: str
    person: str
    person_added_at: WallNs
    """A later person of the same name has another one."""
    generation: int
    """The session generation of the person at the sign-in."""
    method: SignInMethod
    created_at: WallNs
    used_at: WallNs
    expires_at: WallNs
    idle_s: int
    address: str
    user_agent: str
    reason: str = ""
    """The bound reason; it is used for requests without `X-Reason`."""
    case: str = ""
    emergency_until: WallNs | None = None
    """Until when its requests without `X-Reason` ask for emergency access."""
    has_second_factor: bool = False
    """Whether the person has proved the identity by a code too."""
    pending_secret: str = Field("", repr=False)
    """The encrypted secret of a second factor that is not yet confirmed."""
    pending_replaces: WallNs | None = None
    """When the second factor was enrolled that it replaces; None: there was none."""
    mac: str = Field("", repr=False)
    schema_: int = schema_field()

    @property
    def ends_at(self) -> int:
        """When the session ends if it is not used again, in UTC nanoseconds."""
        return min(self.expires_at, self.used_at + self.idle_s * NS_PER_S)

    def is_emergency_at(self, now_ns: int) -> bool:
        return self.emergency_until is not None and now_ns < self.emergency_until

    @property
    def credential(self) -> str:
        return CREDENTIAL_PREFIX + self.id


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session and its person, with the rights and the scope that the person has now."""

    record: SessionRecord
    person: Person


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session, and the value of its cookie, which is sent once."""

    cookie: str
    session: Session


class Sessions:
    """The sessions of the site, for programs that have the people key. Thread-safe.

    Every method raises IndexUnavailable while Redis does not respond.
    """

    def __init__(
        self,
        redis: Redis,
        people: People,
        clock: Clock,
        limits: SessionLimits,
        confirm: Callable[[SessionRecord], bool] | None = None,
    ) -> None:
        """`confirm` decides whether a session of the identity provider may be used now.

        Without it, no such session is valid.
        """
        self._redis = redis
        self._people = people
        self._clock = clock
        self._limits = limits
        self._confirm = confirm
        self._key = derived_key(people.key, "session records")
        self._csrf_key = derived_key(people.key, "csrf tokens")
        self._ended = _EndedSessions()

    # Reading

    def find(self, cookie: str) -> Session | None:
        """Return the valid session of a cookie, or None. It counts as a use."""
        if len(cookie) != _COOKIE_CHARACTERS:
            return None
        digest = _sha256(cookie)
        record = self._record(digest[:_ID_DIGITS])
        if record is None or not hmac.compare_digest(record.cookie_sha256, digest):
            return None
        person = self._confirmed_holder(record)
        used = None if person is None else self._used(record)
        return None if person is None or used is None else Session(used, person)

    def holder(self, name: str, session_id: str) -> Person | None:
        """Return the person `name` if the session of this id is still valid, or None.

        It is not a use: an open feed does not keep a session alive.
        """
        record = self._record(session_id)
        if record is None or record.person != name:
            return None
        return self._confirmed_holder(record)

    def csrf_token(self, record: SessionRecord) -> str:
        """Return the token that a change with the session must carry; it is stored nowhere."""
        return keyed_hash(self._csrf_key, record.cookie_sha256)

    def list(self, person: str | None = None) -> tuple[SessionRecord, ...]:
        """Return the valid sessions of a person, or of all."""
        found = texts(self._redis.do("ZRANGEBYSCORE", ALL, self._now_ms(), "+inf"))
        ids = [one.partition("/")[2] for one in found if person in (None, one.partition("/")[0])]
        if not ids:
            return ()
        stored = maybe_texts(self._redis.do("MGET", *map(_place, ids)))
        read = (
            self._verified(one, stored_text) for one, stored_text in zip(ids, stored, strict=True)
        )
        records = (one for one in read if one is not None and person in (None, one.person))
        return tuple(one for one in records if self._holder(one) is not None)

    # Changes

    def start(
        self,
        person: PersonRecord,
        method: SignInMethod,
        address: str,
        user_agent: str,
        has_second_factor: bool = False,
    ) -> NewSession | None:
        """Start a session of a person whose identity the caller has verified with this record.

        Return None if that person was removed since then, or if all sessions ended, for example
        with the password that was verified. A session never continues one that the browser had
        before the sign-in.
        """
        found = self._people.present(person.name)
        if found is None or _life_of(found) != _life_of(person):
            return None
        cookie, now_ns = secrets.token_urlsafe(_COOKIE_BYTES), self._clock.wall_ns()
        digest = _sha256(cookie)
        record = SessionRecord(
            id=digest[:_ID_DIGITS],
            cookie_sha256=digest,
            person=person.name,
            person_added_at=found.added_at,
            generation=found.session_generation,
            method=method,
            created_at=now_ns,
            used_at=now_ns,
            expires_at=now_ns + self._limits.longest_s * NS_PER_S,
            idle_s=self._limits.idle_s,
            address=address[:MAX_TEXT],
            user_agent=user_agent[:MAX_TEXT],
            has_second_factor=has_second_factor,
        )
        written = self._signed(record)
        self._make_room(person.name)
        self._redis.do_all(
            [
                ("SET", _place(record.id), record_text(written), "PX", self._left_ms(written)),
                ("ZADD", ALL, record.expires_at // NS_PER_MS, _member(written)),
                ("ZREMRANGEBYSCORE", ALL, "-inf", self._now_ms()),
            ],
            atomic=True,
        )
        return NewSession(cookie, Session(written, found.person_with(written.credential)))

    def bind(
        self, session_id: str, reason: str, case: str, is_emergency: bool = False
    ) -> SessionRecord | None:
        """Bind a reason and a case to a session; empty texts bind none. None: it has ended.

        With `is_emergency`, its requests ask for emergency access for `EMERGENCY_S`.
        """
        until_ns = self._clock.wall_ns() + EMERGENCY_S * NS_PER_S if is_emergency else None
        return self.change(
            session_id, {"reason": reason, "case": case, "emergency_until": until_ns}
        )

    def end(self, record: SessionRecord) -> None:
        """End a session. Feeds and tickets of it end within seconds."""
        self._ended.add(record.id, record.expires_at, self._clock.wall_ns())
        self._redis.do_all(
            [("DEL", _place(record.id)), ("ZREM", ALL, _member(record))], atomic=True
        )

    def _make_room(self, person: str) -> None:
        """End the sessions of a person that are more than allowed with one in addition."""
        own = sorted(self.list(person), key=lambda record: record.expires_at)
        for record in own[: max(0, len(own) - MOST_SESSIONS + 1)]:
            self.end(record)

    def _used(self, record: SessionRecord) -> SessionRecord | None:
        """Write the time of the use where the written one is old; return the record in force.

        Another process may have ended the session since it was read; then it returns None.
        """
        now_ns = self._clock.wall_ns()
        if now_ns - record.used_at < _USED_EVERY_S * NS_PER_S:
            return record
        return self.change(record.id, {"used_at": now_ns})

    def change(self, session_id: str, update: dict[str, object]) -> SessionRecord | None:
        """Change the record of a session, or return None if the session has ended."""
        place = _place(session_id)
        for _ in range(_ATTEMPTS):
            found = text(self._redis.do("GET", place))
            record = self._verified(session_id, found)
            if found is None or record is None or self._holder(record) is None:
                return None
            written = self._signed(record.model_copy(update=update))
            words = (found, record_text(written), self._left_ms(written))
            (is_replaced,) = self._redis.run_all([Script(_REPLACE, place, words)])
            if is_replaced:
                return written
        raise RecordConflict("the session is changed by other requests; send this one again")

    # The records behind both

    def _record(self, session_id: str) -> SessionRecord | None:
        if len(session_id) != _ID_DIGITS or session_id in self._ended:
            return None
        return self._verified(session_id, text(self._redis.do("GET", _place(session_id))))

    def _verified(self, session_id: str, found: str | None) -> SessionRecord | None:
        if found is None or session_id in self._ended:
            return None
        try:
            record = SessionRecord.model_validate_json(found)
        except ValidationError as error:
            why = f"{error.error_count()} faults"
        else:
            if record.id == session_id and is_mac_of(record.mac, record, self._key, _MAC_PREFIX):
                return record
            why = "its HMAC is wrong"
        SESSION_RECORDS_REFUSED.inc()
        _log.error("the session record %s in Redis is not used: %s", session_id, why)
        return None

    def _confirmed_holder(self, record: SessionRecord) -> Person | None:
        """Return the person of a record if the session is valid, also for the provider.

        The provider may change the rights of the person, who is looked up again afterwards.
        """
        person = self._holder(record)
        if person is None or record.method is not SignInMethod.OPENID:
            return person
        if self._confirm is None or not self._confirm(record):
            return None
        return self._holder(record)

    def _holder(self, record: SessionRecord) -> Person | None:
        """Return the person of a record if the session is valid now, or None."""
        if self._clock.wall_ns() >= record.ends_at:
            return None
        found = self._people.present(record.person)
        if found is None or _life_of(found) != (record.person_added_at, record.generation):
            return None
        return found.person_with(record.credential)

    def _signed(self, record: SessionRecord) -> SessionRecord:
        """Return the record with its HMAC and with every field set."""
        complete = SessionRecord.model_validate_json(record.model_dump_json(by_alias=True))
        return complete.model_copy(update={"mac": record_mac(complete, self._key, _MAC_PREFIX)})

    def _left_ms(self, record: SessionRecord) -> int:
        return max(1, (record.ends_at - self._clock.wall_ns()) // NS_PER_MS)

    def _now_ms(self) -> int:
        return self._clock.wall_ns() // NS_PER_MS


class _EndedSessions:
    """The sessions that this process has ended. Thread-safe.

    A record that is written back to Redis after its session ended is not used here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, int] = {}

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def add(self, session_id: str, expires_ns: int, now_ns: int) -> None:
        with self._lock:
            if len(self._until) >= _MOST_ENDED:
                left = {one: until for one, until in self._until.items() if until > now_ns}
                soonest = sorted(left, key=left.__getitem__)[: max(0, len(left) - _MOST_ENDED + 1)]
                self._until = {one: until for one, until in left.items() if one not in soonest}
            self._until[session_id] = expires_ns


def _life_of(record: PersonRecord) -> tuple[int, int]:
    """Return what stays the same as long as a session of the person may be valid."""
    return record.added_at, record.session_generation


def _place(session_id: str) -> str:
    return f"{{sessions}}:record:{session_id}"


def _member(record: SessionRecord) -> str:
    return f"{record.person}/{record.id}"


def _sha256(cookie: str) -> str:
    # A cookie has 256 random bits, so a slow hash would add nothing.
    return hashlib.sha256(cookie.encode()).hexdigest()
