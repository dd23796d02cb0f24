"""`sightline up`, `node` and `api`: run the supervised processes of an instance."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography import x509

from api.base_map.tile_archive import TileArchive
from domain.clock import Clock, SystemClock
from domain.errors import StoreError
from domain.log import set_up_logging
from domain.messages.message import Message
from domain.openid import openid_settings
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.settings import Settings
from sightline.cluster import site_registry
from sightline.cluster.camera_credentials import CredentialSender
from sightline.cluster.node import ClusterStores, Identity, Node
from sightline.cluster.registry_versions import RegistryFollower
from sightline.cluster.roster import worker_count
from sightline.cluster.roster_writer import RosterWriter
from sightline.cluster.worker_balance import needed_workers
from sightline.commands.languages import error_text, localized
from sightline.commands.messages import Colour, print_message
from sightline.forking.client import ForkServer
from sightline.keys.api_trust import node_server_context
from sightline.keys.expiry import expiry_warnings
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.keys.tls import (
    API_PURPOSES,
    PLAIN_HTTP_WARNING,
    TlsOptions,
    api_listener,
    make_keys,
)
from sightline.media_sockets import media_sockets
from sightline.processes.certificates import fingerprint
from sightline.processes.child import ChildSpec
from sightline.processes.embedded_servers import seaweedfs_security
from sightline.processes.instance import claimed, complete_settings, instance_secrets, publish
from sightline.processes.people_key import sign_older_people
from sightline.processes.policy_copy import PolicyCopy
from sightline.processes.ports import check_listening, is_loopback
from sightline.processes.process_plan import (
    ApiListener,
    Parts,
    Plan,
    clear_earlier_run,
    most_workers,
    plan,
    worker_names,
)
from sightline.processes.server_certificates import IdentityRenewal
from sightline.processes.store_clients import Stores, connected, people_of
from sightline.processes.supervised_threads import Job, Jobs
from sightline.processes.supervisor import Supervisor, stop_on_signals
from storage.site.people import People

SERVER_GROUPS = 2
"""The groups that start before the jobs: the command's own processes, and the own servers."""
_STEPS = {
    "simulator": "cameras: starting the simulator",
    "valkey": "servers: starting Valkey",
    "seaweedfs": "servers: starting SeaweedFS with its certificates",
    "live": "workers: starting the live process",
    "worker": "workers: starting",
    "api": "API: starting",
    "media": "API: starting the media process",
}
"""The message about a process that is starting, by the prefix of its name."""


def up(args: argparse.Namespace) -> int:
    name_policy(args)
    parts = Parts(servers=True, node=True, api=True)
    return serve(args.registry, args.data, parts, args.fork_server, api_address(args))


def node(args: argparse.Namespace) -> int:
    parts = Parts(servers=False, node=True, api=False)
    return serve(args.registry, args.data, parts, args.fork_server)


def api(args: argparse.Namespace) -> int:
    name_policy(args)
    parts = Parts(servers=False, node=False, api=True)
    return serve(args.registry, args.data, parts, args.fork_server, api_address(args))


def name_policy(args: argparse.Namespace) -> None:
    """Name the policy file of the command line to the API's processes."""
    if args.policy is not None:
        os.environ["SIGHTLINE_POLICY"] = str(args.policy.resolve())


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """Where the command line says that the API listens; the default is none at all."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsOptions = field(default_factory=TlsOptions)


def api_address(args: argparse.Namespace) -> ApiAddress:
    tls = TlsOptions(args.tls_cert, args.tls_key, args.allow_plain_http)
    return ApiAddress(args.host, args.port, tls)


def serve(
    registry: Path | None,
    data: Path,
    parts: Parts,
    fork_server: ForkServer,
    address: ApiAddress | None = None,
    first: tuple[ChildSpec, ...] = (),
    greeting: Callable[[], str] = str,
) -> int:
    """Run until Ctrl-C or SIGTERM, and return 0 when everything has stopped.

    The processes of `first` start first. `greeting` returns the end of the console's URL.
    """
    settings = Settings()
    if parts.api:
        _check_api_settings(settings)
    set_up_logging(settings.log_level, "supervisor")
    layout = Layout(data.resolve())
    stop = stop_on_signals()
    clock = SystemClock()
    os.environ["SIGHTLINE_SECRETS_FILE"] = str(site_registry.secrets_path(registry, layout))
    with claimed(layout, clock, stop) as claim, ExitStack() as ending:
        clear_earlier_run(layout)
        _settle(registry, layout, clock)
        _print_missing_registry(layout, parts)
        _prepare_keys(layout, settings, parts, clock)
        listener = _listener(layout, settings, address or ApiAddress(), clock)
        media = None
        if parts.api:
            check_listening(listener.host, listener.port)
        if parts.api and settings.webrtc:
            media = ending.enter_context(media_sockets(layout, listener.host, settings.webrtc_port))
        planned = plan(layout, settings, parts, listener, media)
        supervisor = Supervisor((first, *planned.groups), clock, (claim,), fork_server)
        stores = connected(
            complete_settings(settings, planned.runtime, instance_secrets(layout)), layout, clock
        )
        # The key is made before the API's processes start, so that all of them use the same.
        people = people_of(stores, settings, layout, clock) if parts.api else None
        ending.callback(stores.close)
        ending.callback(supervisor.stop)
        jobs_ending = ending.enter_context(ExitStack())
        ending.callback(print_message, "stopping …")
        publish(layout, planned.runtime)
        supervisor.start(stop, _print_start, slice(SERVER_GROUPS))
        if not stop.is_set():
            _prepare_own_store(planned, stores)
            workers_fail = partial(supervisor.fails, worker_names(settings))
            jobs = Jobs(
                _jobs(layout, settings, parts, planned, stores, clock, workers_fail),
                "supervisor",
                clock,
            )
            jobs_ending.callback(jobs.stop)
            jobs.start()
            supervisor.start(stop, _print_start, slice(SERVER_GROUPS, None))
        if not stop.is_set():
            _print_lost_data(stores, people, layout)
            _print_key_warnings(layout, listener, clock)
            _greet(parts, layout, listener, greeting)
            if parts.api and not settings.openid_issuer:
                _print_first_person(stores, layout)
            print_message("Ctrl-C stops")
        supervisor.run(stop)
    print_message("stopped")
    return 0


def _check_api_settings(settings: Settings) -> None:
    """Refuse the start for a wrong map file or identity provider. Raises BadInput."""
    openid_settings(settings, settings.site_origins)
    if settings.map_file is not None:
        TileArchive(settings.map_file).close()


def _prepare_keys(layout: Layout, settings: Settings, parts: Parts, clock: Clock) -> None:
    """Make the keys of the parts that run here. A node alone has them from another machine.

    Raises BadInput if a node alone has no certificate of the site's root.
    """
    keys = SiteKeys(layout.keys, clock)
    if parts.api:
        purposes = tuple(Purpose) if parts.node else API_PURPOSES
        make_keys(layout, keys, settings.node, (), purposes)
    else:
        node_server_context(keys, settings.node)


def _listener(layout: Layout, settings: Settings, address: ApiAddress, clock: Clock) -> ApiListener:
    where = (address.host, address.port)
    return api_listener(layout, settings.node, where, address.tls, clock)


def _print_key_warnings(layout: Layout, listener: ApiListener, clock: Clock) -> None:
    """Print the fingerprint of the API's certificate, and warnings about plain HTTP and expiry."""
    if listener.certificate is not None:
        certificate = x509.load_pem_x509_certificate(listener.certificate.read_bytes())
        print_message(f"TLS certificate of the API, SHA-256: {fingerprint(certificate)}")
    if listener.is_exposed:
        print_message(PLAIN_HTTP_WARNING, Colour.YELLOW)
    keys = SiteKeys(layout.keys, clock)
    for sentence in expiry_warnings(keys.register(), keys.now):
        print_message(sentence, Colour.YELLOW)


def _prepare_own_store(planned: Plan, stores: Stores) -> None:
    """Create the bucket before the jobs store the registry in it.

    If that fails, as on a full disk, a worker retries it, and cameras are recorded meanwhile.
    """
    if planned.has_own_store:
        try:
            stores.objects.ensure_bucket()
        except StoreError as error:
            print_message(f"the object store does not serve yet: {error}", Colour.YELLOW)


def _jobs(
    layout: Layout,
    settings: Settings,
    parts: Parts,
    planned: Plan,
    stores: Stores,
    clock: Clock,
    workers_fail: Callable[[], bool],
) -> dict[str, Job]:
    """Return the jobs of the supervisor's process: registry, policy, node and certificates."""
    follower = RegistryFollower(stores.registries, layout, clock)
    jobs: dict[str, Job] = {"registry": follower.run}
    if planned.has_own_store:
        security = seaweedfs_security(layout.seaweedfs, instance_secrets(layout).stores)
        jobs["certificates"] = IdentityRenewal(security.files, clock).run
    if parts.api and settings.policy is not None:
        policy = PolicyCopy(settings.policy, layout, clock)
        policy.run_once()  # The API finds its policy when it starts.
        os.environ["SIGHTLINE_POLICY"] = str(layout.policy_copy)
        jobs["policy"] = policy.run
    if parts.node:
        identity = Identity(
            settings.node,
            _node_api_url(settings.node_api_host, planned.runtime.node_api_port),
            most_workers(settings),
        )
        credentials = CredentialSender(layout, planned.worker_pipes)
        roster_writer = RosterWriter(
            layout, partial(_workers_for, settings), credentials.send, clock
        )
        registry = site_registry.RunningRegistry(layout)
        node = Node(
            identity,
            roster_writer,
            registry,
            ClusterStores(stores.nodes, stores.leases, stores.states),
            layout,
            clock,
            workers_fail,
        )
        node.run_once()  # the workers then find their cameras when they start
        jobs["node"] = node.run
    return jobs


def _workers_for(settings: Settings, cameras: Sequence[Camera]) -> int:
    return settings.workers or needed_workers(cameras, most_workers(settings))


def _node_api_url(host: str, port: int) -> str:
    scheme = "http" if is_loopback(host) else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _settle(registry: Path | None, layout: Layout, clock: Clock) -> None:
    invalid = site_registry.settle(registry, layout, clock) if registry else None
    if invalid is not None:
        refused = Message("{file} has faults; the last good registry runs instead:", file=registry)
        print_message(localized(refused), Colour.RED)
        print_message(error_text(invalid))


def _print_missing_registry(layout: Layout, parts: Parts) -> None:
    """Print that a whole site has no cameras. A single node may get the registry from the site."""
    if parts.servers and not layout.registry.exists():
        missing = Message(
            "no registry is applied, so there are no cameras: start again with --registry FILE, or "
            "run `sightline cameras apply FILE --data {data}`",
            data=layout.root,
        )
        print_message(localized(missing), Colour.YELLOW)


def _print_start(name: str) -> None:
    """Print a line for each process that is starting, which shows where a start is slow."""
    text = next(text for start, text in _STEPS.items() if name.startswith(start))
    print_message(f"{text} {name}" if text.endswith(": starting") else text)


def _print_lost_data(stores: Stores, people: People | None, layout: Layout) -> None:
    """Print what the stores have lost. An emptied index has no tokens, so the API refuses people.

    Cameras are recorded independently of the stores. `people` is None on a machine without an API.
    """
    try:
        if people is not None:
            names = sign_older_people(people, Settings(), layout)
            if names:
                print_message(f"signed the records of {len(names)} people of an earlier version")
        for sentence in stores.identity.settle().sentences():
            print_message(sentence, Colour.RED)
        records = stores.people.records().records
        lacking = sum(not stores.people.is_restored(record) for record in records)
    except StoreError as error:
        print_message(f"a store does not serve yet: {error}", Colour.YELLOW)
        return
    if lacking:
        print_message(
            f"the index has lost {lacking} of {len(records)} people, and may have lost "
            "events: `sightline index rebuild`",
            Colour.YELLOW,
        )


def _greet(
    parts: Parts, layout: Layout, listener: ApiListener, greeting: Callable[[], str]
) -> None:
    if parts.node:
        count = worker_count(layout)
        print_message("1 camera worker runs" if count == 1 else f"{count} camera workers run")
    if parts.api:
        print(f"console: {listener.url}/{_greeting(greeting)}", flush=True)


def _print_first_person(stores: Stores, layout: Layout) -> None:
    """Print how the first person is added, if there is none who could sign in."""
    with suppress(StoreError):  # A store that does not serve yet was reported before.
        people = stores.people.records()
        is_person = any(record.removed_at is None for record in people.records)
        if not (is_person or people.damaged):
            print_message(
                "no person can sign in yet: `sightline user add NAME --role investigator "
                f"--data {shlex.quote(str(layout.root))}` adds one and prints the token"
            )


def _greeting(greeting: Callable[[], str]) -> str:
    try:
        return greeting()
    except StoreError:
        return ""
