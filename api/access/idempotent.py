"""Requests with an `Idempotency-Key`: a repeated request gets the answer of the first one."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import Request
from starlette.responses import Response

from api.requests.request_trace import trace_of
from domain.clock import Clock
from domain.errors import QueryInvalid
from domain.paths.object_keys import dated_id
from storage.site.idempotency import IdempotencyKeys, StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"^[!-~]{1,200}$")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


class Idempotent:
    """Runs a request that creates something, once for each key. Blocking."""

    def __init__(self, keys: IdempotencyKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def __call__(self, request: Request, body: bytes, run: Callable[[], Response]) -> Response:
        """Return the answer of `run`, or the answer of an earlier request with the same key.

        Only a success is stored: after a failure, the same request may be sent again. Raises
        QueryInvalid, KeyBusy, KeyReused.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return run()
        if _KEY.fullmatch(key) is None:
            raise QueryInvalid(HEADER, "must have 1 to 200 visible ASCII characters")
        trace = trace_of(request.scope)
        # A later person of the same name gets no answer of a removed one.
        owner = f"{trace.person.name} {trace.person.added_at_ns}" if trace.person else ""
        content = f"{request.method} {request.url.path}\n".encode() + body
        with self._keys.running(owner, key, content, lambda: dated_id(self._clock)) as keyed:
            if keyed.answer is not None:
                trace.terms["replayed"] = "true"
                return _replayed(keyed.answer)
            trace.new_id = keyed.new_id
            response = run()
            if response.status_code < 300:
                keyed.result = _stored(response)
            return response


def _stored(response: Response) -> StoredAnswer:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return StoredAnswer(
        status=response.status_code, headers=headers, body=bytes(response.body).decode()
    )


def _replayed(answer: StoredAnswer) -> Response:
    # Redis is not trusted with other headers, such as cookies.
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return Response(answer.body, answer.status, {**headers, REPLAYED: "true"})
