"""The command line. Arguments are in `sightline/arguments/`, commands in `sightline/commands/`; the
module of a command is imported when the command runs.

Exit codes: 0 success, 1 failure, 2 invalid usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
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
from sightline.processes.private_files import create_private_files, private_umask


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(arguments)
    _check_tls_options(parser, args)
    try:
        with private_umask():
            forked_main = _start_fork_server(args, is_own_process=arguments is None)
            if forked_main is None:
                return _run(args)
    except SightlineError as error:
        languages = importlib.import_module("sightline.commands.languages")
        print(f"sightline: {languages.error_text(error)}", file=sys.stderr)
        return 1
    # for example a folder that is not writable or a full disk, which the user can correct
    except OSError as error:
        print(
            "sightline: "
            f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("sightline: stopped", file=sys.stderr)
        return 0 if args.serves else 1
    create_private_files()
    forked_main()
    return 0


def _check_tls_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    given = {getattr(args, name, None) is not None for name in ("tls_cert", "tls_key")}
    if len(given) > 1:
        parser.error("--tls-cert and --tls-key belong together")
    if True in given and args.allow_plain_http:
        parser.error("--allow-plain-http contradicts --tls-cert")


def _start_fork_server(args: argparse.Namespace, is_own_process: bool) -> Callable[[], None] | None:
    """Start the fork server of a command that serves. A command with a process of its own forks it
    from itself.

    Return None in the command, and in each process that the fork server forks the function that the
    process runs.
    """
    if not args.serves:
        return None
    if not args.data.exists():
        _check_start(args)  # A start that is refused creates no folder.
    _share_metrics(args.data)
    preloading = importlib.import_module("sightline.processes.preloading")
    args.fork_server = preloading.fork_server(args.modules, args.data)
    if not is_own_process:
        args.fork_server.start()
        return None
    command = f"sightline.commands.{args.module}"
    forked_main: Callable[[], None] | None = preloading.split_off(args.fork_server, command)
    return forked_main


def _run(args: argparse.Namespace) -> int:
    if args.serves:
        try:
            _check_start(args)
            return _call(args)
        finally:
            args.fork_server.stop()
    _check_settings()
    if "data" in args and not args.data.is_dir() and not args.makes_data:
        raise BadInput(
            "there is no data folder {data}; --data names one that `sightline "
            "up` or `sightline demo` made",
            data=args.data,
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


def _check_settings() -> None:
    # Imported here, where Ctrl-C is handled: the import takes most of a second.
    settings = importlib.import_module("domain.settings")
    for warning in settings.rename_former_settings(os.environ):
        print(f"sightline: warning: {warning}", file=sys.stderr)
    settings.check_settings()


def _check_start(args: argparse.Namespace) -> None:
    """Raises BadInput for a wrong setting, and RegistryInvalid as `_refuse_first` does."""
    _check_settings()
    _refuse_first(args)


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


class _PrintVersion(argparse.Action):
    """Prints the version of the package. It is read only then, because that takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        print(f"sightline {importlib.import_module('importlib.metadata').version('sightline')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline",
        description="Record, analyse and search the public-safety cameras of a city.",
    )
    parser.add_argument(
        "--version", action=_PrintVersion, nargs=0, help="print the version and exit"
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
