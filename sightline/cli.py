"""The command line: what may be said. What it does is in `sightline/commands/`, a module a command,
loaded when it is called.

Exit codes: 0 done, 1 the thing failed, 2 wrong usage.
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
ROLES = ("operator", "investigator", "integrator", "auditor", "admin")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        with private_umask():
            return _run(args)
    except SightlineError as error:
        print(f"sightline: {error}", file=sys.stderr)
    # a folder that may not be written, a full disk: whoever typed the command can mend it
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


def _run(args: argparse.Namespace) -> int:
    # Imported here, where Ctrl-C is heard: what it needs takes most of a second to load.
    settings = importlib.import_module("domain.settings")
    settings.check_settings()
    if args.serves:
        _refuse_first(args)
        _share_metrics(args.data)
    elif "data" in args and not args.data.is_dir():
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
    """Raises RegistryInvalid for a registry with faults where none ever ran, before a data
    folder is made for it.
    """
    registry = getattr(args, "registry", None)
    if registry is not None and not Layout(args.data.resolve()).registry.exists():
        importlib.import_module("domain.registry.check").read_registry(registry, os.environ)


def _share_metrics(data: Path) -> None:
    """Before anything that counts is imported: prometheus_client settles at import where its
    values live.
    """
    folder = Layout(data.resolve()).metrics
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline", description="The video backbone of a city's public-safety cameras."
    )
    parser.set_defaults(serves=False, json=False, audit="")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serving(commands)
    _add_cameras(commands)
    _add_people(commands)
    _add_invariants(commands)
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
    """The command changes something: it has lines in the audit log, with those of its arguments."""
    command.set_defaults(audit=term, audit_terms=arguments)


def _data(command: argparse.ArgumentParser, default: str | None = None) -> None:
    folder = Path(default) if default else None
    command.add_argument(
        "--data",
        type=Path,
        required=folder is None,
        default=folder,
        metavar="DIR",
        help="the instance's data folder",
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return port


def _add_serving(commands: Commands[argparse.ArgumentParser]) -> None:
    up = _command(
        commands,
        "up",
        "run everything on this machine: servers, camera workers, API and console",
        "up",
        "up",
    )
    demo = _command(
        commands, "demo", "the same with simulated cameras, for a first look", "demo", "demo"
    )
    node = _command(
        commands, "node", "run the camera workers of one node of a larger site", "up", "node"
    )
    api = _command(commands, "api", "run the API and console of a larger site", "up", "api")
    for command in (up, node, api):
        command.add_argument(
            "--registry",
            type=Path,
            metavar="FILE",
            help="camera_registry.yaml to run; without it, what was applied last",
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
            help=f"the API's port ({DEFAULT_PORT})",
        )
    for command, host in ((up, "0.0.0.0"), (api, "0.0.0.0"), (demo, "127.0.0.1")):
        command.add_argument(
            "--host", default=host, help=f"the address that the API listens on ({host})"
        )
    for command in (up, demo, node, api):
        command.set_defaults(serves=True)


def _add_cameras(commands: Commands[argparse.ArgumentParser]) -> None:
    cameras = commands.add_parser(
        "cameras", help="the registry and the cameras in it"
    ).add_subparsers(metavar="ACTION", required=True)
    check = _command(
        cameras,
        "check",
        "say everything that is wrong with a registry, with line and column",
        "cameras",
        "check",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="camera_registry.yaml")
    diff = _command(
        cameras, "diff", "say what applying a registry would change", "applying", "diff"
    )
    apply = _command(
        cameras,
        "apply",
        "check a registry and run it, without touching cameras that it does not change",
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
        "the cameras of a running instance and their states",
        "cameras",
        "list_cameras",
    )
    _data(listing)
    for command in (check, diff, apply, listing):
        _json(command)


def _add_people(commands: Commands[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="the people who may ask").add_subparsers(
        metavar="ACTION", required=True
    )
    add = _command(
        user,
        "add",
        "add a person; prints the new token once, alone on the last line",
        "people",
        "add",
    )
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", required=True, choices=ROLES)
    _recorded(add, "command.user_add", "name", "role")
    listing = _command(user, "list", "who there is, and with which role", "people", "list_people")
    for command in (add, listing):
        _data(command)
    _json(listing)


def _add_invariants(commands: Commands[argparse.ArgumentParser]) -> None:
    index = commands.add_parser("index", help="the event index").add_subparsers(
        metavar="ACTION", required=True
    )
    rebuild = _command(
        index,
        "rebuild",
        "restore the index from the object store: events, people, rights",
        "stores",
        "rebuild_index",
    )
    rebuild.add_argument(
        "--from-sidecars",
        action="store_true",
        help="read every event's own record instead of the journals (slow)",
    )
    rebuild.add_argument(
        "--whole",
        action="store_true",
        help="read journals of what the archive has too, as where it lost files",
    )
    rebuild.add_argument(
        "--force",
        action="store_true",
        help="accept an object store that lost what the site had: people without a record are "
        "removed",
    )
    archive = _command(
        index,
        "archive",
        "move events older than SIGHTLINE_INDEX_DAYS to the archive, now",
        "stores",
        "archive_index",
    )
    storage = commands.add_parser("storage", help="what is kept").add_subparsers(
        metavar="ACTION", required=True
    )
    check = _command(
        storage,
        "check",
        "prove the storage invariants; says every breach",
        "stores",
        "check_storage",
    )
    check.add_argument(
        "--deep",
        action="store_true",
        help="read every clip, and decode every recording of this node",
    )
    retention = commands.add_parser("retention", help="how long things are kept").add_subparsers(
        metavar="ACTION", required=True
    )
    run = _command(
        retention,
        "run",
        "delete what is older than its maximum and not held, now",
        "retention",
        "run",
    )
    run.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    _recorded(rebuild, "command.index_rebuild", "from_sidecars", "whole")
    _recorded(archive, "command.index_archive")
    _recorded(run, "command.retention_run")
    for command in (rebuild, archive, check, run):
        _data(command)
        _json(command)


def _add_eval(commands: Commands[argparse.ArgumentParser]) -> None:
    kinds = commands.add_parser(
        "eval", help="measure the models on labelled material"
    ).add_subparsers(metavar="MATERIAL", required=True)
    plates = _command(
        kinds, "plates", "crops of plates, each file named by its plate", "evaluating", "plates"
    )
    photos = _command(
        kinds,
        "photos",
        "whole photographs, each file named by a plate in it",
        "evaluating",
        "photos",
    )
    for command in (plates, photos):
        command.add_argument("folder", type=Path, metavar="DIR")
    video = _command(
        kinds,
        "video",
        "passings of vehicles in a video, against a truth file",
        "evaluating",
        "video",
    )
    faces = _command(
        kinds, "faces", "passings of people in a video, against a truth file", "evaluating", "faces"
    )
    for command in (video, faces):
        command.add_argument("file", type=Path, metavar="FILE")
        command.add_argument(
            "--truth",
            type=Path,
            required=True,
            metavar="JSON",
            help="what passes, and when (docs/commands.md)",
        )
        command.add_argument(
            "--fps", type=_rate, metavar="N", help="looks a second (the setting of that kind)"
        )
    for command in (plates, photos, video, faces):
        _json(command)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 30:
        raise argparse.ArgumentTypeError("looks a second are a number over 0 and up to 30")
    return rate


if __name__ == "__main__":
    sys.exit(main())
