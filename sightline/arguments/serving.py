"""Arguments of the commands that serve: `up`, `demo`, `node` and `api`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_data, port

DEFAULT_PORT = 8080
NODE_MODULES = ("sightline.worker", "sightline.live_process")
API_MODULES = ("sightline.api_process", "sightline.media_process")


def add_serving(commands: Commands[argparse.ArgumentParser]) -> None:
    up = add_command(
        commands,
        "up",
        "run everything on this machine: stores, camera workers, API and console",
        "up",
        "up",
    )
    demo = add_command(
        commands, "demo", "run everything on this machine with simulated cameras", "demo", "demo"
    )
    node = add_command(
        commands, "node", "run the camera workers of one node of a multi-node site", "up", "node"
    )
    api = add_command(commands, "api", "run the API and console of a multi-node site", "up", "api")
    for command in (up, node, api):
        command.add_argument(
            "--registry",
            type=Path,
            metavar="FILE",
            help="camera_registry.yaml to apply; default: the registry applied last",
        )
    for command in (up, api):
        command.add_argument(
            "--policy",
            type=Path,
            metavar="FILE",
            help="access policy to apply, checked by `sightline policy check`; default: "
            "SIGHTLINE_POLICY",
        )
    add_data(up)
    add_data(demo, "data/demo")
    add_data(node)
    add_data(api)
    for command in (up, demo, api):
        command.add_argument(
            "--port",
            type=port,
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
    for command, modules in (
        (up, NODE_MODULES + API_MODULES),
        (demo, NODE_MODULES + API_MODULES),
        (node, NODE_MODULES),
        (api, API_MODULES),
    ):
        command.set_defaults(serves=True, modules=modules)


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
