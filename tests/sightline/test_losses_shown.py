"""Commands report what a store has lost, and do not rebuild from a lost store by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import SITE_OBJECT
from domain.people import Role
from domain.settings import Settings
from sightline.cli import main
from sightline.commands.up import _print_lost_data
from sightline.jobs.node_jobs import NodeJobs
from sightline.processes.store_clients import open_stores, people_of
from storage.events.journal import Journal
from storage.events.spool import Spool
from storage.recordings.ledger import Ledger
from tests.buckets import remove_objects


@pytest.fixture
def data(empty_site: Path) -> str:
    """The data folder of a running site with one person."""
    layout = Layout(empty_site)
    with open_stores(layout) as stores:
        people_of(stores, Settings(), layout, SystemClock()).add("li.wei", Role.OPERATOR)
        stores.identity.settle()
    return str(empty_site)


def test_an_emptied_index(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list", "--data", data]) == 0
    with open_stores(Layout(Path(data))) as stores:
        stores.redis.do("FLUSHALL")
        _print_lost_data(stores, None, Layout(Path(data)))
    assert "Redis was emptied" in capsys.readouterr().err
    assert main(["user", "list", "--data", data]) == 1
    shown = capsys.readouterr()
    assert shown.out == "li.wei\toperator\ttokens: first\n"
    assert "Redis was emptied" in shown.err
    assert main(["index", "rebuild", "--data", data]) == 0
    assert main(["user", "list", "--data", data]) == 0


def test_a_node_deletes_nothing_by_the_holds_of_another_store(data: str) -> None:
    layout, clock = Layout(Path(data)), SystemClock()
    with open_stores(layout) as stores:
        jobs = NodeJobs(
            Settings(),
            layout,
            stores,
            Spool(layout, clock),
            Journal(layout.journal, clock),
            Ledger(layout.recordings),
            clock,
        )
        jobs.refuse_other_store()
        stores.objects.delete(SITE_OBJECT)
        with pytest.raises(StoreError, match="not the one that this site used"):
            jobs.refuse_other_store()


def test_a_lost_object_store(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    with open_stores(Layout(Path(data))) as stores:
        remove_objects(stores.objects)
        _print_lost_data(stores, None, Layout(Path(data)))
    assert "not the one that this site used" in capsys.readouterr().err.replace("\n", " ")
    assert main(["user", "list", "--data", data]) == 1
    shown = capsys.readouterr().err
    assert "not the one that this site used" in shown
    assert "no record of li.wei" in shown
    assert main(["index", "rebuild", "--data", data]) == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert main(["storage", "check", "--data", data]) == 1
    assert "person_lost: li.wei" in capsys.readouterr().out
    assert main(["index", "rebuild", "--force", "--data", data]) == 0
    assert main(["storage", "check", "--data", data]) == 0
