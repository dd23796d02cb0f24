"""The parser of the command line. The commands are in `sightline/commands/`; the module of a
command is imported when the command runs.

Exit codes: 0 success, 1 failure, 2 invalid usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from domain.errors import BadInput, SightlineError
from domain.paths.data_layout import Layout
from sightline.processes.private_files import private_umask

DEFAULT_PORT = 8080
KEY_PURPOSES = ("root", "api", "api-signing", "node", "evidence")
OUTCOMES = ("done", "refused", "failed", "intended")
ROLES = (
    "operator", "investigator", "integrator", "auditor", "admin", "metrics", "push", "triggers"
)  # fmt: skip
RIGHTS = (
    "cameras_read", "test_picture", "events_read", "recordings_read", "recordings_trigger",
    "live_view", "unmasked_view", "events_correct", "events_push", "watches", "evidence",
    "exports", "approvals", "audit_read", "metrics_read", "people_admin", "none",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(arguments)
    _check_tls_options(parser, args)
    try:
        with private_umask():
            return _run(args)
    except SightlineError as error:
        print(f"sightline: {error}", file=sys.stderr)
    # for example a folder that is not writable or a full disk, which the user can correct
    except OSError as error:
        print(
            "sightline: "
            f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("sightline: stopped", file=sys.stderr)
        return 0 if args.serves else 1
    return 1


def _check_tls_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    given = {getattr(args, name, None) is not None for name in ("tls_cert", "tls_key")}
    if len(given) > 1:
        parser.error("--tls-cert and --tls-key belong together")
    if True in given and args.allow_plain_http:
        parser.error("--allow-plain-http contradicts --tls-cert")


def _run(args: argparse.Namespace) -> int:
    # Imported here, where Ctrl-C is handled: the import takes most of a second.
    settings = importlib.import_module("domain.settings")
    for warning in settings.rename_former_settings(os.environ):
        print(f"sightline: warning: {warning}", file=sys.stderr)
    settings.check_settings()
    if args.serves:
        _refuse_first(args)
        _share_metrics(args.data)
    elif "data" in args and not args.data.is_dir() and not args.makes_data:
        raise BadInput(
            f"there is no data folder {args.data}; --data names one that `sightline up` or "
            "`sightline demo` made"
        )
    command = importlib.import_module(f"sightline.commands.{args.module}")
    function = getattr(command, args.function)
    if args.audit and not getattr(args, "dry_run", False):
        return int(
            importlib.import_module("sightline.processes.command_audit").run_recorded(
                function, args
            )
        )
    return int(function(args))


def _refuse_first(args: argparse.Namespace) -> None:
    """Raises RegistryInvalid for a registry with faults if no registry was applied before. The
    data folder is not created in that case.
    """
    registry = getattr(args, "registry", None)
    if registry is not None and not Layout(args.data.resolve()).registry.exists():
        importlib.import_module("domain.registry.check").read_registry(registry, os.environ)


def _share_metrics(data: Path) -> None:
    """Set the folder of metric files. This precedes the import of `domain.metrics`, because
    prometheus_client chooses the storage of values at import.
    """
    folder = Layout(data.resolve()).metrics
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline",
        description="Record, analyse and search the public-safety cameras of a city.",
    )
    parser.set_defaults(serves=False, json=False, audit="", makes_data=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serving(commands)
    _add_cameras(commands)
    _add_people(commands)
    _add_keys(commands)
    _add_index(commands)
    _add_storage(commands)
    _add_audit(commands)
    _add_eval(commands)
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse names the type of `add_subparsers()` nowhere else


def _command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    help_text: str,
    module: str,
    function: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_text, description=help_text)
    command.set_defaults(module=module, function=function)
    return command


def _recorded(command: argparse.ArgumentParser, term: str, *arguments: str) -> None:
    """Mark a command that makes changes: the audit log records it with these arguments."""
    command.set_defaults(audit=term, audit_terms=arguments)


def _data(command: argparse.ArgumentParser, default: str | None = None) -> None:
    folder = Path(default) if default else None
    command.add_argument(
        "--data",
        type=Path,
        required=folder is None,
        default=folder,
        metavar="DIR",
        help="data folder of the instance",
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON for scripts")


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port must be a number from 1 to 65535")
    return port


def _add_serving(commands: Commands[argparse.ArgumentParser]) -> None:
    up = _command(
        commands,
        "up",
        "run everything on this machine: stores, camera workers, API and console",
        "up",
        "up",
    )
    demo = _command(
        commands, "demo", "run everything on this machine with simulated cameras", "demo", "demo"
    )
    node = _command(
        commands, "node", "run the camera workers of one node of a multi-node site", "up", "node"
    )
    api = _command(commands, "api", "run the API and console of a multi-node site", "up", "api")
    for command in (up, node, api):
        command.add_argument(
            "--registry",
            type=Path,
            metavar="FILE",
            help="camera_registry.yaml to apply; default: the registry applied last",
        )
    _data(up)
    _data(demo, "data/demo")
    _data(node)
    _data(api)
    for command in (up, demo, api):
        command.add_argument(
            "--port",
            type=_port,
            default=DEFAULT_PORT,
            metavar="N",
            help=f"TCP port of the API (default: {DEFAULT_PORT})",
        )
    for command, host in ((up, "0.0.0.0"), (api, "0.0.0.0"), (demo, "127.0.0.1")):
        command.add_argument(
            "--host", default=host, help=f"address on which the API listens (default: {host})"
        )
    for command in (up, demo, api):
        _add_tls(command)
    for command in (up, demo, node, api):
        command.set_defaults(serves=True)


def _add_tls(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="PEM file of the API's certificate and those above it; default beyond loopback: a "
        "certificate of the site's root",
    )
    command.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="PEM file of the certificate's private key"
    )
    command.add_argument(
        "--allow-plain-http",
        action="store_true",
        help="listen beyond loopback without TLS, for example behind a proxy on the same network",
    )


def _add_cameras(commands: Commands[argparse.ArgumentParser]) -> None:
    cameras = commands.add_parser("cameras", help="manage the camera registry").add_subparsers(
        metavar="ACTION", required=True
    )
    check = _command(
        cameras,
        "check",
        "check a registry and list all faults with line and column",
        "cameras",
        "check",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="camera_registry.yaml")
    diff = _command(
        cameras, "diff", "show the changes that applying a registry would make", "applying", "diff"
    )
    apply = _command(
        cameras,
        "apply",
        "check and apply a registry; unchanged cameras are not interrupted",
        "applying",
        "apply",
    )
    for command in (diff, apply):
        command.add_argument("file", type=Path, metavar="FILE", help="camera_registry.yaml")
        _data(command)
    _recorded(apply, "command.cameras_apply", "file")
    listing = _command(
        cameras,
        "list",
        "list the cameras of a running instance and their states",
        "cameras",
        "list_cameras",
    )
    _data(listing)
    for command in (check, diff, apply, listing):
        _json(command)


def _add_people(commands: Commands[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="manage people and their roles").add_subparsers(
        metavar="ACTION", required=True
    )
    add = _command(
        user,
        "add",
        "add a person and print the new token once, on the last line",
        "people",
        "add",
    )
    change = _command(user, "set", "change the role or the granted rights", "people", "change")
    token = _command(user, "token", "add, replace or revoke a token of a person", "people", "token")
    revoke = _command(user, "revoke", "revoke all tokens of a person", "people", "revoke")
    remove = _command(user, "remove", "remove a person and all tokens", "people", "remove")
    for command in (add, change, token, revoke, remove):
        command.add_argument("name", metavar="NAME", help="name of the person")
    _add_rights(add, change)
    for command in (add, token):
        command.add_argument(
            "--expires",
            metavar="D",
            help="end of the token's validity: 90d, 12h, a date, or a time of RFC 3339",
        )
    token.add_argument("--name", dest="token_name", metavar="N", help="name of the token")
    token.add_argument("--revoke", metavar="N", help="revoke the token of this name")
    sign = _command(
        user, "sign", "sign the records of people that an older version wrote", "people", "sign"
    )
    listing = _command(user, "list", "list people and their roles", "people", "list_people")
    scope = ("area", "class_", "camera")
    _recorded(add, "command.user_add", "name", "role", "grant", *scope, "expires")
    _recorded(change, "command.user_set", "name", "role", "grant", *scope, "unlimited")
    _recorded(token, "command.user_token", "name", "token_name", "expires", "revoke")
    _recorded(revoke, "command.user_revoke", "name")
    _recorded(remove, "command.user_remove", "name")
    _recorded(sign, "command.user_sign")
    for command in (add, change, token, revoke, remove, sign, listing):
        _data(command)
    _json(listing)


def _add_rights(add: argparse.ArgumentParser, change: argparse.ArgumentParser) -> None:
    for command in (add, change):
        command.add_argument(
            "--role", required=command is add, choices=ROLES, help="role of the person"
        )
        command.add_argument(
            "--grant",
            action="append",
            choices=RIGHTS,
            metavar="RIGHT",
            help="right in addition to those of the role; may be repeated; `none`: no such right",
        )
        command.add_argument(
            "--area",
            action="append",
            default=[],
            metavar="A",
            help="limit to an area and all below it; may be repeated",
        )
        command.add_argument(
            "--class",
            dest="class_",
            action="append",
            default=[],
            choices=("A", "B", "C"),
            help="limit to a class of cameras, in the areas if areas are given; may be repeated",
        )
        command.add_argument(
            "--camera",
            action="append",
            default=[],
            metavar="ID",
            help="camera in addition to those of the areas and classes; may be repeated",
        )
    change.add_argument("--unlimited", action="store_true", help="remove all limits of the scope")


def _add_keys(commands: Commands[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="manage the certificates of the site").add_subparsers(
        metavar="ACTION", required=True
    )
    init = _command(keys, "init", "make the keys and certificates that are absent", "keys", "init")
    init.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="take over a file of `sightline keys export` of another machine instead",
    )
    init.set_defaults(makes_data=True)
    listing = _command(
        keys, "list", "list the certificates and warn before they expire", "keys", "list_keys"
    )
    rotate = _command(
        keys,
        "rotate",
        "make a new key; the old certificate still verifies old signatures",
        "keys",
        "rotate",
    )
    rotate.add_argument("purpose", choices=KEY_PURPOSES, help="which key to replace")
    rotate.add_argument(
        "--revoke",
        action="store_true",
        help="do not trust the old certificate any more, because its key was stolen",
    )
    export = _command(
        keys,
        "export",
        "write the public certificates, or a bundle with the keys of another machine",
        "keys",
        "export",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    kinds = export.add_mutually_exclusive_group()
    kinds.add_argument("--node", metavar="NAME", help="write a bundle with a new key for a node")
    kinds.add_argument(
        "--api", action="store_true", help="write a bundle for an API on another machine"
    )
    for command in (init, rotate, export):
        command.add_argument(
            "--host",
            action="append",
            default=[],
            metavar="NAME",
            help="name or address of the API that its certificate is for; may be repeated",
        )
    _recorded(init, "command.keys_init", "source", "host")
    _recorded(rotate, "command.keys_rotate", "purpose", "revoke", "host")
    _recorded(export, "command.keys_export", "out", "node", "api", "host")
    for command in (init, listing, rotate, export):
        _data(command)
    _json(listing)


def _add_index(commands: Commands[argparse.ArgumentParser]) -> None:
    index = commands.add_parser("index", help="maintain the event index").add_subparsers(
        metavar="ACTION", required=True
    )
    rebuild = _command(
        index,
        "rebuild",
        "rebuild the index from the object store: events, people and rights",
        "stores",
        "rebuild_index",
    )
    rebuild.add_argument(
        "--from-sidecars",
        action="store_true",
        help="read the sidecar of every event instead of the journals (slow)",
    )
    rebuild.add_argument(
        "--whole",
        action="store_true",
        help="also read the journals of archived events, for example if archive files are lost",
    )
    rebuild.add_argument(
        "--force",
        action="store_true",
        help="accept that the object store has lost data of the site: people without a record "
        "are removed",
    )
    archive = _command(
        index,
        "archive",
        "move events older than SIGHTLINE_INDEX_DAYS to the archive now",
        "stores",
        "archive_index",
    )
    _recorded(rebuild, "command.index_rebuild", "from_sidecars", "whole")
    _recorded(archive, "command.index_archive")
    for command in (rebuild, archive):
        _data(command)
        _json(command)


def _add_storage(commands: Commands[argparse.ArgumentParser]) -> None:
    storage = commands.add_parser("storage", help="check stored data").add_subparsers(
        metavar="ACTION", required=True
    )
    check = _command(
        storage,
        "check",
        "check the storage invariants and list every violation",
        "stores",
        "check_storage",
    )
    check.add_argument(
        "--deep",
        action="store_true",
        help="also read every clip and decode every recording of this node",
    )
    retention = commands.add_parser("retention", help="delete expired data").add_subparsers(
        metavar="ACTION", required=True
    )
    run = _command(
        retention,
        "run",
        "delete data now that has expired and is not under legal hold",
        "retention",
        "run",
    )
    run.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    _recorded(run, "command.retention_run")
    for command in (check, run):
        _data(command)
        _json(command)


def _add_audit(commands: Commands[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser("audit", help="read the audit log of the site").add_subparsers(
        metavar="ACTION", required=True
    )
    listing = _command(audit, "list", "list audit lines, the newest first", "audit", "list_lines")
    for name, help_text in (
        ("person", "name of a person"),
        ("call", "audit term of a call, for example camera.recording"),
        ("camera", "id of a camera"),
        ("event", "id of an event"),
        ("case", "a case"),
    ):
        listing.add_argument(f"--{name}", metavar="TEXT", help=help_text)
    listing.add_argument("--outcome", choices=OUTCOMES, help="how the call ended")
    listing.add_argument("--from", dest="since", metavar="TIME", help="at or after this time")
    listing.add_argument("--to", dest="until", metavar="TIME", help="before this time")
    listing.add_argument(
        "--limit", type=_count, default=100, metavar="N", help="most lines (default: 100)"
    )
    terms = ("person", "call", "camera", "event", "case", "outcome", "since", "until", "limit")
    _recorded(listing, "command.audit_list", *terms)
    verify = _command(
        audit, "verify", "read all audit lines and report damaged ones", "audit", "verify"
    )
    for command in (listing, verify):
        _data(command)
        _json(command)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return count


def _add_eval(commands: Commands[argparse.ArgumentParser]) -> None:
    kinds = commands.add_parser(
        "eval", help="measure the accuracy of the models on labelled material"
    ).add_subparsers(metavar="MATERIAL", required=True)
    plates = _command(
        kinds,
        "plates",
        "measure crops of plates; each file is named by its plate",
        "evaluating",
        "plates",
    )
    photos = _command(
        kinds,
        "photos",
        "measure whole photographs; each file is named by a plate in it",
        "evaluating",
        "photos",
    )
    for command in (plates, photos):
        command.add_argument("folder", type=Path, metavar="DIR", help="folder of pictures")
    video = _command(
        kinds,
        "video",
        "compare passings of vehicles in a video with a truth file",
        "evaluating",
        "video",
    )
    faces = _command(
        kinds,
        "faces",
        "compare passings of people in a video with a truth file",
        "evaluating",
        "faces",
    )
    for command in (video, faces):
        command.add_argument("file", type=Path, metavar="FILE", help="video file")
        command.add_argument(
            "--truth",
            type=Path,
            required=True,
            metavar="JSON",
            help="truth file: what passes and when (docs/commands.md)",
        )
        command.add_argument(
            "--fps",
            type=_rate,
            metavar="N",
            help="frames analysed per second (default: the setting for plates or faces)",
        )
    for command in (plates, photos, video, faces):
        _json(command)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 30:
        raise argparse.ArgumentTypeError("the frame rate must be greater than 0 and at most 30")
    return rate


if __name__ == "__main__":
    sys.exit(main())
