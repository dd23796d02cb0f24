"""Options and argument types that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

TIME_FORM = "a time of RFC 3339, such as 2026-11-24T13:55:04+08:00"
Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse names the type of `add_subparsers()` nowhere else


def add_command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    help_text: str,
    module: str,
    function: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_text, description=help_text)
    command.set_defaults(module=module, function=function)
    return command


def record_changes(command: argparse.ArgumentParser, term: str, *arguments: str) -> None:
    """Mark a command that makes changes: the audit log records it with these arguments."""
    command.set_defaults(audit=term, audit_terms=arguments)


def add_data(command: argparse.ArgumentParser, default: str | None = None) -> None:
    folder = Path(default) if default else None
    command.add_argument(
        "--data",
        type=Path,
        required=folder is None,
        default=folder,
        metavar="DIR",
        help="data folder of the instance",
    )


def add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON for scripts")


def port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port must be a number from 1 to 65535")
    return port


def count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return count


def rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 30:
        raise argparse.ArgumentTypeError("the frame rate must be greater than 0 and at most 30")
    return rate
