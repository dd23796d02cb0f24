"""Arguments of `sightline analyse`."""

from __future__ import annotations

import argparse

from sightline.arguments.options import (
    TIME_FORM,
    Commands,
    add_command,
    add_data,
    add_json,
    record_changes,
)


def add_analysing(commands: Commands[argparse.ArgumentParser]) -> None:
    analyse = add_command(
        commands,
        "analyse",
        "find passings in the recordings that live analysis missed",
        "analysis",
        "run",
    )
    analyse.add_argument("--camera", required=True, metavar="ID", help="id of a checkpoint")
    analyse.add_argument(
        "--from",
        dest="since",
        required=True,
        metavar="TIME",
        help=f"start of the range: {TIME_FORM}",
    )
    analyse.add_argument("--to", dest="until", required=True, metavar="TIME", help="its end")
    analyse.add_argument(
        "--all",
        dest="whole",
        action="store_true",
        help="also analyse what was analysed already",
    )
    record_changes(analyse, "command.analyse", "camera", "since", "until", "whole")
    add_data(analyse)
    add_json(analyse)
