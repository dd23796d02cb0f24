"""The route class of the API: it runs the guard first, and a blocking route in one thread.

That thread runs the guard, the endpoint and the audit, because each change of thread and back
costs some tenths of a millisecond.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, cast

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive

from api.access.compression import compress, is_large
from api.access.idempotent import HEADER
from api.access.route_services import RouteServices, services_of
from api.limits.thread_pools import Pool
from api.requests.bodies import check_media_type
from api.requests.declarations import JSON, Declarations
from api.requests.request_trace import trace_of
from domain.errors import QueryInvalid

_result_count: ContextVar[int | None] = ContextVar("result_count", default=None)
"""The number of items that the endpoint of this thread answers with."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(declarations: Declarations) -> type[APIRoute]:
    """Return the only route class of an app, so that no route can omit the guard."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()
            if is_async(self.endpoint):
                return _by_loop(handle)
            declaration = declarations.find(min(self.methods or {""}), self.path)
            if declaration is not None and declaration.takes_idempotency_key:
                handle = _once(handle)
            elif declaration is not None and declaration.is_change and declaration.answers_secret:
                handle = _never_stored(handle)
            # The guard refuses a route that is not declared.
            pool = declaration.pool if declaration else Pool.QUERIES
            body_type = declaration.body_type if declaration else JSON
            return (
                _in_thread(handle, body_type)
                if pool is Pool.QUERIES
                else _in_pool(handle, pool, body_type)
            )

    return Guarded


def _once(handle: Handler) -> Handler:
    """Run `handle` in the current thread, once for each idempotency key."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        idempotent = services_of(request).idempotent
        return idempotent(request, body, lambda: _finished(handle(request)))

    return answer


def _never_stored(handle: Handler) -> Handler:
    """Refuse an idempotency key, because a stored answer would keep its secret."""

    async def answer(request: Request) -> Response:
        if HEADER in request.headers:
            raise QueryInvalid(
                HEADER,
                "cannot be used here, because the answer has a secret, which is not stored; send "
                "the request without it",
            )
        return await handle(request)

    return answer


def is_async(endpoint: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(endpoint))


def run_in_current_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a blocking endpoint so that FastAPI calls it in the current thread.

    The route already runs in a thread of its own. An async endpoint is returned without a change.
    """
    if is_async(endpoint):
        return endpoint

    @wraps(endpoint)
    async def call(**arguments: Any) -> Any:
        answer = endpoint(**arguments)
        items = getattr(answer, "items", None)
        _result_count.set(len(items) if isinstance(items, list) else None)
        return answer

    return call


def _by_loop(handle: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        await run_in_threadpool(services_of(request).guard, request)
        response = await handle(request)
        if not is_large(response):  # a thread would cost more
            return compress(request, trace_of(request.scope).declaration, response)
        return await run_in_threadpool(
            compress, request, trace_of(request.scope).declaration, response
        )

    return answer


def _in_thread(handle: Handler, body_type: str) -> Handler:
    def work(request: Request, body: bytes) -> Response:
        services = services_of(request)
        services.guard(request)
        check_media_type(request, body, body_type)
        person = trace_of(request.scope).person
        # Other people need threads too, while one person sends searches that take long.
        with nullcontext() if person is None else services.guard.limits.query(person.name):
            return _handled(services, handle, request)

    async def answer(request: Request) -> Response:
        # The body is small, and the thread cannot wait for the event loop.
        body = await request.body()
        return await run_in_threadpool(work, request, body)

    return answer


def _in_pool(handle: Handler, pool: Pool, body_type: str) -> Handler:
    """Run the guard outside the pool, so that a refusal does not wait for the pool."""

    async def answer(request: Request) -> Response:
        services = services_of(request)
        body = await request.body()
        await run_in_threadpool(services.guard, request)
        check_media_type(request, body, body_type)
        async with _watched(request, pool):
            return await services.pools.run(pool, _handled, services, handle, request)

    return answer


@asynccontextmanager
async def _watched(request: Request, pool: Pool) -> AsyncIterator[None]:
    """Note in the trace that the client disconnects, where an answer may take a minute. The body of
    the request was read.
    """
    if pool is not Pool.RECORDINGS:
        yield
        return
    disconnected = trace_of(request.scope).disconnected
    watching = asyncio.ensure_future(_note_disconnect(request.receive, disconnected))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _note_disconnect(receive: Receive, disconnected: Future[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    disconnected.set_result(None)


def _handled(services: RouteServices, handle: Handler, request: Request) -> Response:
    _result_count.set(None)
    trace = trace_of(request.scope)
    trace.begin_change = partial(services.begin_change, trace)
    response = _finished(handle(request))
    if not trace.is_export:
        trace.result_count = _result_count.get()
    # The status of a stream is known only when sending starts; its line is written then.
    if hasattr(response, "body"):
        services.recorder.record_response(trace, response.status_code)
    return compress(request, trace.declaration, response)


def _finished(answering: Coroutine[Any, Any, Response]) -> Response:
    """Return the result of a coroutine that never waits."""
    try:
        answering.send(None)
    except StopIteration as end:
        return cast(Response, end.value)
    answering.close()
    raise RuntimeError(
        "a route that answers in a thread waited for the event loop; make it async, or what it "
        "depends on"
    )
