"""The command line. Arguments are in `sightline/arguments/`, commands in `sightline/commands/`; the
module of a command is imported when the command runs.

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
from sightline.arguments.analysis import add_analysing
from sightline.arguments.base_map import add_map
from sightline.arguments.cameras import add_cameras
from sightline.arguments.evaluation import add_evaluation
from sightline.arguments.exporting import add_exporting
from sightline.arguments.keys import add_keys
from sightline.arguments.people import add_people
from sightline.arguments.policy import add_policy
from sightline.arguments.serving import add_serving
from sightline.arguments.stores import add_audit, add_index, add_storage
from sightline.processes.private_files import private_umask


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
        # It loads modules while this process does the same, and while the servers start.
        preloading = importlib.import_module("sightline.processes.preloading")
        with preloading.started_fork_server(args.modules, args.data) as args.fork_server:
            return _call(args)
    if "data" in args and not args.data.is_dir() and not args.makes_data:
        raise BadInput(
            f"there is no data folder {args.data}; --data names one that `sightline up` or "
            "`sightline demo` made"
        )
    return _call(args)


def _call(args: argparse.Namespace) -> int:
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
    former_and_present = Layout(args.data.resolve()).moved_files[0]
    if registry is not None and not any(file.exists() for file in former_and_present):
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
    add_serving(commands)
    add_cameras(commands)
    add_people(commands)
    add_policy(commands)
    add_map(commands)
    add_keys(commands)
    add_index(commands)
    add_storage(commands)
    add_exporting(commands)
    add_analysing(commands)
    add_audit(commands)
    add_evaluation(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
