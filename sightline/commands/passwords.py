"""`sightline user password` and `reset-second-factor`: what people sign in with in a browser."""

from __future__ import annotations

import argparse
import sys
from getpass import getpass

from domain.clock import SystemClock
from domain.errors import BadInput, NotFound
from domain.passwords import HashCost, PasswordHasher, check_password
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.processes.store_clients import open_stores, opened_people, people_of
from storage.sign_in.attempts import SignInAttempts
from storage.sign_in.second_factors import SecondFactors
from storage.sign_in.secrets import SignInSecrets


def set_password(args: argparse.Namespace) -> int:
    """Set a password that is typed twice, or is one line of standard input; end all sessions.

    It is no argument, because other users of the machine see the arguments of a command.
    """
    with opened_people(Layout(args.data.resolve())) as people:
        people.get(args.name)  # An unknown name is refused before anything is typed.
        secrets = SignInSecrets(people, SystemClock())
        if args.remove:
            secrets.remove_password(args.name)
            print(f"{args.name} has no password; tokens still work")
            return 0
        password = _typed_password() if sys.stdin.isatty() else _line_of_input()
        check_password(args.name, password)
        settings = Settings()
        hasher = PasswordHasher(HashCost(settings.password_memory_mb, settings.password_passes))
        secrets.set_password(args.name, hasher.hash(password))
    print(f"the password of {args.name} was set; all sessions have ended")
    return 0


def reset_second_factor(args: argparse.Namespace) -> int:
    """Remove the second factor of a person who has lost app and recovery codes; end all sessions.

    At the next sign-in the password is enough to enrol a new one.
    """
    layout, clock = Layout(args.data.resolve()), SystemClock()
    with open_stores(layout) as stores:
        people = people_of(stores, Settings(), layout, clock)
        if people.get(args.name).second_factor is None:
            raise NotFound("{args} has no second factor", args=args.name)
        SecondFactors(people, SignInAttempts(stores.redis, clock), clock).reset(args.name)
    print(f"{args.name} has no second factor any more; all sessions have ended")
    return 0


def _typed_password() -> str:
    first, second = getpass("new password: "), getpass("the same again: ")
    if first != second:
        raise BadInput("the two passwords differ; nothing was changed")
    return first


def _line_of_input() -> str:
    return sys.stdin.readline().rstrip("\r\n")
