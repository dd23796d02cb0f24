"""Sends requests that schemathesis makes from the OpenAPI description, and checks the answers.

This is the only module that imports schemathesis. Its plugin for pytest is not used
(`pyproject.toml`), because it would take part in the collection of all tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema

SEED = 20261130
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
REFUSALS = (400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 431, "5xx")
"""The statuses of requests that the description does not allow."""
_MOST_CHARACTERS = 600
schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")


@dataclass(frozen=True, slots=True)
class Effort:
    """How many requests are made."""

    examples: int
    """The most random requests of each operation, and sequences of requests."""
    has_coverage: bool
    """Whether the limits of each parameter and of each field are tried, too."""
    steps: int
    """The most requests of a sequence."""


@dataclass(frozen=True, slots=True)
class Findings:
    requests: int
    answered: frozenset[str]
    """The operations that were answered with success."""
    faults: tuple[str, ...]


def without_feeds(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a description without the feeds, which do not end; their tests are apart."""
    rest = deepcopy(spec)
    for operations in rest["paths"].values():
        for method, operation in list(operations.items()):
            if _is_feed(operation):
                del operations[method]
    rest["paths"] = {path: operations for path, operations in rest["paths"].items() if operations}
    return rest


def _is_feed(operation: dict[str, Any]) -> bool:
    return "text/event-stream" in operation["responses"].get("200", {}).get("content", {})


def check_answers(spec: dict[str, Any], url: str, token: str, effort: Effort) -> Findings:
    """Send requests to the API at `url` as the person of `token`; return what is wrong."""
    config = SchemathesisConfig.from_dict(_settings(url, token, effort))
    schema = schemathesis.openapi.from_dict(without_feeds(spec), config=config)
    _exclude_feeds(schema, spec)
    requests, faults, answered = 0, dict[str, None](), set[str]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            requests += len(event.recorder.interactions)
            answered |= set(_answered(event))
            faults |= dict.fromkeys(_faults(event))
        elif isinstance(event, events.NonFatalError):
            faults[f"{event.label}: {event.info.message}"[:_MOST_CHARACTERS]] = None
        elif isinstance(event, events.FatalError):
            raise event.exception
    return Findings(requests, frozenset(answered), tuple(faults))


def _exclude_feeds(schema: BaseSchema, spec: dict[str, Any]) -> None:
    """Send no request whose id, such as `feed`, makes its path that of a feed."""
    feeds = {
        path for path, methods in spec["paths"].items() if any(map(_is_feed, methods.values()))
    }

    @schema.hook
    def filter_case(_context: HookContext, case: Case[Any]) -> bool:
        return case.formatted_path not in feeds

    @schema.hook  # `filter_case` is not asked about the requests made from examples.
    def before_add_examples(_context: HookContext, examples: list[Case[Any]]) -> None:
        examples[:] = [case for case in examples if case.formatted_path not in feeds]


def _settings(url: str, token: str, effort: Effort) -> dict[str, Any]:
    return {
        "seed": SEED,
        "base-url": url,
        "headers": {"Authorization": f"Bearer {token}"},
        "continue-on-failure": True,
        "request-timeout": 60,
        "parameters": {"header.X-Reason": "a test"},
        "generation": {
            "max-examples": effort.examples,
            "deterministic": True,
            "database": "none",
            "no-shrink": True,
        },
        "phases": {
            "examples": {"enabled": True},
            "coverage": {"enabled": effort.has_coverage},
            "fuzzing": {"enabled": True},
            "stateful": {"enabled": True, "max-steps": effort.steps},
        },
        "checks": {
            "enabled": False,
            **{name: {"enabled": True} for name in CHECKS},
            "negative_data_rejection": {"enabled": True, "expected-statuses": REFUSALS},
        },
    }


def _answered(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, interaction in event.recorder.interactions.items():
        if interaction.response is not None and interaction.response.status_code < 300:
            yield event.recorder.cases[case_id].value.operation.label


def _faults(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            failure, request = check.failure_info.failure, "no request"
            interaction = event.recorder.interactions.get(case_id)
            if interaction is not None:
                sent = interaction.request
                request = f"{sent.method} {sent.uri} {sent.body or b''!r}"[:_MOST_CHARACTERS]
                if interaction.response is not None:
                    request += f" -> {interaction.response.status_code}"
            message = failure.message[:_MOST_CHARACTERS]
            yield f"{event.phase}: {check.name}: {failure.title}: {message} ({request})"
