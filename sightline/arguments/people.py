"""Arguments of `sightline user`."""

from __future__ import annotations

import argparse

from sightline.arguments.options import Commands, add_command, add_data, add_json, record_changes

ROLES = (
    "operator", "investigator", "integrator", "auditor", "admin", "metrics", "push", "triggers"
)  # fmt: skip
RIGHTS = (
    "cameras_read", "test_picture", "events_read", "recordings_read", "recordings_trigger",
    "live_view", "unmasked_view", "events_correct", "events_push", "watches", "evidence",
    "exports", "approvals", "audit_read", "metrics_read", "people_admin", "none",
)  # fmt: skip


def add_people(commands: Commands[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="manage people and their roles").add_subparsers(
        metavar="ACTION", required=True
    )
    for command in (
        *_people_commands(user),
        *_token_commands(user),
        *_sign_in_commands(user),
    ):
        command.add_argument("name", metavar="NAME", help="name of the person")
        add_data(command)
    sign = add_command(
        user, "sign", "sign the records of people that an older version wrote", "people", "sign"
    )
    record_changes(sign, "command.user_sign")
    listing = add_command(user, "list", "list people and their roles", "people", "list_people")
    add_json(listing)
    for command in (sign, listing):
        add_data(command)


def _people_commands(
    user: Commands[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    """Add the commands that add, change, remove and restore a person."""
    add = add_command(
        user,
        "add",
        "add a person and print the new token once, on the last line",
        "people",
        "add",
    )
    change = add_command(user, "set", "change the role or the granted rights", "people", "change")
    _add_rights(add, change)
    _add_expiry(add)
    remove = add_command(user, "remove", "remove a person and all tokens", "people", "remove")
    restore = add_command(
        user,
        "restore",
        "let a removed person of the identity provider sign in again",
        "people",
        "restore",
    )
    scope = ("area", "class_", "camera")
    record_changes(add, "command.user_add", "name", "role", "grant", *scope, "expires")
    record_changes(change, "command.user_set", "name", "role", "grant", *scope, "unlimited")
    record_changes(remove, "command.user_remove", "name")
    record_changes(restore, "command.user_restore", "name")
    return add, change, remove, restore


def _token_commands(
    user: Commands[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    """Add the commands about the tokens of a person."""
    token = add_command(
        user, "token", "add, replace or revoke a token of a person", "people", "token"
    )
    _add_expiry(token)
    token.add_argument("--name", dest="token_name", metavar="N", help="name of the token")
    token.add_argument("--revoke", metavar="N", help="revoke the token of this name")
    revoke = add_command(
        user, "revoke", "revoke all tokens of a person and end all sessions", "people", "revoke"
    )
    record_changes(token, "command.user_token", "name", "token_name", "expires", "revoke")
    record_changes(revoke, "command.user_revoke", "name")
    return token, revoke


def _sign_in_commands(
    user: Commands[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    """Add the commands about the password and the second factor of a person."""
    password = add_command(
        user,
        "password",
        "set the password of a person, read from standard input, and end all sessions",
        "passwords",
        "set_password",
    )
    password.add_argument(
        "--remove", action="store_true", help="remove the password in place of setting one"
    )
    reset = add_command(
        user,
        "reset-second-factor",
        "remove the second factor of a person, for a new enrolment, and end all sessions",
        "passwords",
        "reset_second_factor",
    )
    record_changes(password, "command.user_password", "name", "remove")
    record_changes(reset, "command.user_reset_second_factor", "name")
    return password, reset


def _add_expiry(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--expires",
        metavar="D",
        help="end of the token's validity: 90d, 12h, a date, or a time of RFC 3339",
    )


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
