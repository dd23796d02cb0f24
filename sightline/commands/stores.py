"""`sightline index rebuild` and `sightline storage check`: the invariants of what is kept, restored and proved."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.progress import Progress

from domain.layout import Layout
from sightline.stores import open_stores
from storage.check import check
from storage.rebuild import rebuild
