"""Arguments of `sightline eval`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_json, rate


def add_evaluation(commands: Commands[argparse.ArgumentParser]) -> None:
    kinds = commands.add_parser(
        "eval", help="measure the accuracy of the models on labelled material"
    ).add_subparsers(metavar="MATERIAL", required=True)
    plates = add_command(
        kinds,
        "plates",
        "measure crops of plates; each file is named by its plate",
        "evaluating",
        "plates",
    )
    photos = add_command(
        kinds,
        "photos",
        "measure whole photographs; each file is named by a plate in it",
        "evaluating",
        "photos",
    )
    for command in (plates, photos):
        command.add_argument("folder", type=Path, metavar="DIR", help="folder of pictures")
    video = add_command(
        kinds,
        "video",
        "compare passings of vehicles in a video with a truth file",
        "evaluating",
        "video",
    )
    faces = add_command(
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
            type=rate,
            metavar="N",
            help="frames analysed per second (default: the setting for plates or faces)",
        )
    for command in (plates, photos, video, faces):
        add_json(command)
