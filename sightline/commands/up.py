"""`sightline up`, `node` and `api`: the supervised processes of an instance, from start to a clean stop."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from domain.clock import SystemClock
from domain.errors import StoreError
from domain.layout import Layout
from domain.log import set_up_logging
from domain.settings import Settings
from sightline import site_registry
from sightline.child import ChildSpec
from sightline.instance import claimed, publish
from sightline.plan import Parts, Plan, clear_earlier_run, plan, worker_count
from sightline.stores import Stores, open_stores
from sightline.supervisor import Supervisor, stop_on_signals

console = Console(stderr=True, highlight=False)


def up(args: argparse.Namespace) -> int:
    return serve(args.registry, args.data, Parts(servers=True, node=True, api=True), args.host, args.port)


def node(args: argparse.Namespace) -> int:
    return serve(args.registry, args.data, Parts(servers=False, node=True, api=False), "127.0.0.1", 0)


def api(args: argparse.Namespace) -> int:
    return serve(args.registry, args.data, Parts(servers=False, node=False, api=True), args.host, args.port)


def serve(
    registry: Path,
    data: Path,
    parts: Parts,
    host: str,
    port: int,
    first: tuple[ChildSpec, ...] = (),
    greeting: Callable[[], str] = str,
) -> int:
    """Run until Ctrl-C or SIGTERM; 0 once everything has stopped. `first` starts before all else; `greeting` ends the console's address."""
    settings = Settings()
    set_up_logging(settings.log_level, "supervisor")
    layout = Layout(data.resolve())
    stop = stop_on_signals()
    clock = SystemClock()
    with claimed(layout, clock, stop) as claim:
        clear_earlier_run(layout)
        _settle(registry, layout)
        made = plan(layout, settings, parts, host, port, site_registry.secrets_environment(registry))
        supervisor = Supervisor((first, *made.groups), clock, held=(claim,))
        try:
            _start(supervisor, made, layout, stop)
            if not stop.is_set():
                _greet(made, parts, settings, host, greeting)
            supervisor.run(stop)
        finally:
            console.print("stopping …")
            supervisor.stop()
    console.print("stopped")
    return 0


def _settle(registry: Path, layout: Layout) -> None:
    invalid = site_registry.settle(registry, layout)
    if invalid is not None:
        console.print(f"[red]{registry} has faults; the last good registry runs instead:[/red]")
        console.print(str(invalid), markup=False)


def _start(supervisor: Supervisor, made: Plan, layout: Layout, stop: threading.Event) -> None:
    publish(layout, made.runtime)
    with console.status("starting …") as status:
        supervisor.start(stop, lambda name: status.update(f"starting {name} …"))
        if not stop.is_set():
            _record(layout)


def _record(layout: Layout) -> None:
    """Cameras are recorded whatever the stores do; what waits for them catches up."""
    try:
        with open_stores(layout) as stores:
            site_registry.record_applied(layout, stores.objects)
            _say_what_the_index_lacks(stores)
    except StoreError as error:
        console.print(f"[yellow]a store does not serve yet: {escape(str(error))}[/yellow]")


def _say_what_the_index_lacks(stores: Stores) -> None:
    """An emptied index knows nobody, so that nobody could ask it what it lacks."""
    records, _ = stores.people.records()
    lacking = sum(not stores.people.is_restored(record) for record in records)
    if lacking:
        console.print(
            f"[yellow]the index has lost {lacking} of {len(records)} people, and may have lost events: `sightline index rebuild`[/yellow]"
        )


def _greet(made: Plan, parts: Parts, settings: Settings, host: str, greeting: Callable[[], str]) -> None:
    if parts.node:
        console.print(f"{worker_count(settings)} camera workers run")
    if parts.api:
        address = "127.0.0.1" if host == "0.0.0.0" else host
        print(f"console: http://{address}:{made.runtime.api_port}/{_greeting(greeting)}", flush=True)
    console.print("Ctrl-C stops")


def _greeting(greeting: Callable[[], str]) -> str:
    try:
        return greeting()
    except StoreError:
        return ""
