"""How a route answers: the guard first, whatever the route; and a route that blocks is answered in
one thread from the guard to the audit.

Each change of thread and back costs some tenths of a millisecond, and a search used to make three:
for the guard, the search, the audit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, cast

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access.guard import Guard
from api.requests.audit_recorder import AuditRecorder
from api.requests.declarations import Declarations
from api.requests.request_trace import trace_of
from api.requests.thread_pools import Pool, Pools

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(
    guard: Guard, recorder: AuditRecorder, declarations: Declarations, pools: Pools
) -> type[APIRoute]:
    """The only kind of route that an app has: none can leave the guard out."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()
            if is_async(self.endpoint):
                return _by_loop(guard, handle)
            declaration = declarations.find(min(self.methods or {""}), self.path)
            # One that is not declared is refused by the guard.
            pool = declaration.pool if declaration else Pool.QUERIES
            return (
                _in_thread(guard, recorder, handle)
                if pool is Pool.QUERIES
                else _in_pool(guard, recorder, handle, pools, pool)
            )

    return Guarded


def is_async(endpoint: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(endpoint))


def run_in_current_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint that blocks, as one that FastAPI does not bring to a thread, since it is in
    one already; another as it is.
    """
    if is_async(endpoint):
        return endpoint

    @wraps(endpoint)
    async def call(**arguments: Any) -> Any:
        return endpoint(**arguments)

    return call


def _by_loop(guard: Guard, handle: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        await run_in_threadpool(guard, request)
        return await handle(request)

    return answer


def _in_thread(guard: Guard, recorder: AuditRecorder, handle: Handler) -> Handler:
    def work(request: Request) -> Response:
        guard(request)
        return _handled(recorder, handle, request)

    async def answer(request: Request) -> Response:
        await request.body()  # of few bytes; in the thread nothing can be waited for
        return await run_in_threadpool(work, request)

    return answer


def _in_pool(
    guard: Guard, recorder: AuditRecorder, handle: Handler, pools: Pools, pool: Pool
) -> Handler:
    """The guard has threads of its own: a refusal does not wait for what the pool waits for."""

    async def answer(request: Request) -> Response:
        await request.body()
        await run_in_threadpool(guard, request)
        return await pools.run(pool, _handled, recorder, handle, request)

    return answer


def _handled(recorder: AuditRecorder, handle: Handler, request: Request) -> Response:
    response = _finished(handle(request))
    # A stream finds its status only while it is sent: its entry is written then.
    if hasattr(response, "body"):
        recorder.record_response(trace_of(request.scope), response.status_code)
    return response


def _finished(answering: Coroutine[Any, Any, Response]) -> Response:
    """What a coroutine comes to that never has to wait."""
    try:
        answering.send(None)
    except StopIteration as end:
        return cast(Response, end.value)
    answering.close()
    raise RuntimeError(
        "a route that answers in a thread waited for the event loop; make it async, or what it "
        "depends on"
    )
