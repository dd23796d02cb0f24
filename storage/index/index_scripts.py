"""The scripts that the shards of the index run inside Redis; each is one round trip to a shard.

docs/index.md describes the layout. KEYS[1] is the shard's prefix (`{e3}`): every key that a script
uses begins with it, so that all keys of a shard are in one slot of a cluster. Comments in the files
describe arguments and results.
"""

from __future__ import annotations

from storage.clients.lua import load_script

_POSTINGS = ("pointer_order", "postings")
_REMOVAL = ("keys", *_POSTINGS, "details", "removal")

GET = load_script("index", "keys", "get")
SCAN = load_script("index", "keys", "scan")
READ_DETAILS = load_script("index", "keys", "read_details")
HOURS = load_script("index", "hours")
COUNT = load_script("index", "count")
HOUR_COUNTS = load_script("index", "keys", "hour_counts")
SAMPLE_BLOCKS = load_script("index", "keys", "sample_blocks")
LIST_BLOCKS = load_script("index", "keys", "list_blocks")

COUNT_PLATES = load_script("index", "keys", "plate_masks", "count_plates")
FIND_BY_PLATE = load_script("index", "keys", "pointer_order", "plate_masks", "find_by_plate")

PUT = load_script("index", "keys", *_POSTINGS, "details", "put")
ADD_PLACE = load_script("index", "add_place")

EVICT = load_script("index", *_REMOVAL, "evict")
EXPIRE = load_script("index", *_REMOVAL, "expire")
