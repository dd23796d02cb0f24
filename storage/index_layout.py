"""How the event index lies in Redis: every key, what an event is posted under, and the atomic writes. Nothing else spells these keys.

{ev}:e:<id>      the event's JSON
{ev}:all, {ev}:k:<kind>, {ev}:c:<camera>, {ev}:a:<area, and each above it>, {ev}:l:<class>, {ev}:p:<plate>
                 sorted sets of ids, all of score 0, so that they are ordered by id, which is by start and exact to one event:
                 a page goes on from an id, however many events share its millisecond
{ev}:plates, {ev}:setalp   the distinct plates that are posted, as they are and reversed: known beginnings and known ends of wildcards
{ev}:read        hash of id to the texts the event is found by, for wildcards with neither

The common tag {ev} keeps all of it in one slot of a cluster, since it changes together.
"""

from __future__ import annotations

from domain.events import Event
from storage.redis_door import Command

ALL = "{ev}:all"
PLATES = "{ev}:plates"
PLATES_REVERSED = "{ev}:setalp"
READ = "{ev}:read"
ALTERNATIVE_MIN_CONFIDENCE = 0.05

# KEYS: the event, then the postings to leave, then those to enter. ARGV: the JSON that the writer saw ("" for none), the new JSON
# ("" to remove), the id, how many postings to leave, then for each posting its plate ("" for others), then the texts it is found by.
# Answers 0, and writes nothing, where somebody else wrote in between.
WRITE = """
local seen = redis.call('GET', KEYS[1]) or ''
if seen ~= ARGV[1] then return 0 end
local id, leaving = ARGV[3], tonumber(ARGV[4])
local plates, reversed, read = KEYS[2], KEYS[3], KEYS[4]
for i = 5, #KEYS do
  local plate, mirror = ARGV[2 * i - 5], ARGV[2 * i - 4]
  if i - 4 <= leaving then
    redis.call('ZREM', KEYS[i], id)
    if plate ~= '' and redis.call('EXISTS', KEYS[i]) == 0 then
      redis.call('ZREM', plates, plate)
      redis.call('ZREM', reversed, mirror)
    end
  else
    redis.call('ZADD', KEYS[i], 0, id)
    if plate ~= '' then
      redis.call('ZADD', plates, 0, plate)
      redis.call('ZADD', reversed, 0, mirror)
    end
  end
end
local texts = ARGV[#ARGV]
if texts == '' then redis.call('HDEL', read, id) else redis.call('HSET', read, id, texts) end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""


def event_key(event_id: str) -> str:
    return f"{{ev}}:e:{event_id}"


def kind_key(kind: str) -> str:
    return f"{{ev}}:k:{kind}"


def camera_key(camera_id: str) -> str:
    return f"{{ev}}:c:{camera_id}"


def area_key(area: str) -> str:
    return f"{{ev}}:a:{area}"


def class_key(class_: str) -> str:
    return f"{{ev}}:l:{class_}"


def plate_key(plate: str) -> str:
    return f"{{ev}}:p:{plate}"


def found_by(event: Event) -> tuple[str, ...]:
    """The texts that a search finds this event by: its plate; where that could not be read, its likely alternatives."""
    if event.plate is None:
        return ()
    if event.plate.text:
        return (event.plate.text,)
    likely = (other.text for other in event.plate.alternatives if other.confidence >= ALTERNATIVE_MIN_CONFIDENCE and other.text)
    return tuple(dict.fromkeys(likely))


def areas_above(area: str) -> list[str]:
    """An area and each that contains it: `a/b` gives `a` and `a/b`."""
    parts = area.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def postings(event: Event | None) -> dict[str, str]:
    """Every sorted set that holds this event's id, with the plate for those of plates and "" for the others."""
    if event is None:
        return {}
    keys = [ALL, kind_key(event.kind), camera_key(event.camera), class_key(event.class_)]
    keys += [area_key(area) for area in areas_above(event.area)]
    return dict.fromkeys(keys, "") | {plate_key(plate): plate for plate in found_by(event)}


def write_command(event_id: str, seen_json: str, old: Event | None, new: Event | None) -> Command:
    """The command that turns `old` (stored as `seen_json`) into `new`, unless what is stored is no longer `seen_json`."""
    before, after = postings(old), postings(new)
    leaving = {key: plate for key, plate in before.items() if key not in after}
    moves = [*leaving.items(), *after.items()]
    keys = [event_key(event_id), PLATES, PLATES_REVERSED, READ, *(key for key, _ in moves)]
    plates = [word for _, plate in moves for word in (plate, plate[::-1])]
    new_json = "" if new is None else new.to_json()
    texts = "" if new is None else "\n".join(found_by(new))
    return ("EVAL", WRITE, len(keys), *keys, seen_json, new_json, event_id, len(leaving), *plates, texts)
