"""What each package may import. A new import between packages is a decision: change the table
together with docs/architecture.md.
"""

from __future__ import annotations

_TABLE = {
    "domain.settings_groups": "",
    "domain.messages": "",
    "domain": "domain.settings_groups domain.messages",
    "domain.media": "domain",
    "domain.events": "domain domain.media",
    "domain.paths": "domain",
    "domain.registry": "domain domain.events",
    "domain.access_policy": "domain domain.registry",
    "domain.recordings": "domain domain.events domain.registry",
    "simulator": "domain",
    "storage.clients": "domain",
    "storage.mp4": "domain domain.media",
    "storage.index": "domain domain.media domain.events storage.clients",
    "storage.archive": (
        "domain domain.events domain.paths domain.recordings storage.clients storage.index"
    ),
    "storage.recordings": (
        "domain domain.media domain.paths domain.registry domain.recordings storage.clients "
        "storage.mp4"
    ),
    "storage.recordings.virtual": (
        "domain domain.paths storage.clients storage.mp4 storage.recordings"
    ),
    "storage.recordings.gaps": "domain domain.paths domain.recordings storage.clients",
    "storage.site": (
        "domain domain.access_policy domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.index"
    ),
    "storage.sign_in": "domain storage.clients storage.site",
    "storage.openid": "domain domain.paths storage.clients storage.site",
    "storage.audit": "domain domain.paths storage.clients storage.site",
    "storage.events": (
        "domain domain.events domain.paths domain.recordings storage.clients storage.index "
        "storage.archive storage.recordings storage.recordings.virtual"
    ),
    "storage.exports": "domain domain.paths storage.clients storage.site",
    "storage": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.mp4 storage.index storage.archive storage.recordings "
        "storage.recordings.gaps storage.recordings.virtual storage.site storage.audit "
        "storage.events"
    ),
    "ingest.packets.native": "",
    "ingest.packets": "domain domain.media storage.mp4 ingest.packets.native",
    "ingest.live": "domain domain.media domain.paths storage.mp4 ingest.packets",
    "ingest.health": "domain ingest.packets",
    "ingest.frames": "domain domain.settings_groups domain.media domain.recordings ingest.health",
    "ingest.rtsp": (
        "domain domain.settings_groups domain.media domain.registry ingest.packets.native "
        "ingest.packets ingest.health"
    ),
    "ingest": "domain domain.media domain.registry ingest.packets ingest.health ingest.rtsp",
    "ingest.onvif": "domain domain.registry ingest.rtsp",
    "ingest.recording": (
        "domain domain.media domain.paths domain.recordings storage.mp4 storage.recordings "
        "storage.recordings.virtual ingest.packets"
    ),
    "analytics.inference": "domain",
    "analytics.detection": "domain domain.registry analytics.inference",
    "analytics.plates": "domain domain.events analytics.inference analytics.detection",
    "analytics.tracking": "domain domain.events domain.registry analytics.detection",
    "analytics.passings": (
        "domain domain.media domain.events domain.registry analytics.detection analytics.plates "
        "analytics.tracking"
    ),
    "analytics": (
        "domain domain.media domain.events domain.registry analytics.inference "
        "analytics.detection analytics.plates analytics.passings"
    ),
    "api.limits": "domain",
    "api.base_map": "domain",
    "api.websockets": "domain",
    "api.headers": "",
    "api.translations": "domain.messages",
    "api.requests": (
        "domain domain.access_policy domain.events storage.recordings storage.site storage.audit "
        "api.limits api.websockets api.headers api.translations"
    ),
    "api.nodes": (
        "domain domain.media domain.paths domain.recordings storage.mp4 storage.recordings "
        "storage.recordings.virtual api.limits api.requests"
    ),
    "api.openid": (
        "domain domain.paths storage.clients storage.site storage.openid api.limits api.requests"
    ),
    "api.access": (
        "domain domain.access_policy domain.paths domain.registry storage.clients storage.index "
        "storage.archive "
        "storage.recordings storage.recordings.gaps storage.site "
        "storage.sign_in storage.audit storage.events storage.exports "
        "api.limits api.websockets api.headers api.requests api.nodes api.openid api.base_map"
    ),
    "api.cameras": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.mp4 storage.recordings storage.recordings.virtual storage.site "
        "storage.audit api.limits api.requests api.nodes api.access"
    ),
    "api.exports": (
        "domain domain.media domain.paths domain.recordings storage.clients storage.recordings "
        "storage.recordings.virtual storage.site storage.audit storage.exports api.limits "
        "api.translations api.requests api.access api.cameras"
    ),
    "api.webrtc.protocols": "domain domain.media",
    "api.webrtc.congestion": "domain domain.media api.webrtc.protocols",
    "api.webrtc": (
        "domain domain.media domain.paths storage.mp4 api.limits api.requests api.nodes "
        "api.webrtc.protocols api.webrtc.congestion"
    ),
    "api.live": (
        "domain domain.media domain.paths domain.registry storage.clients storage.audit "
        "storage.site api.websockets api.requests api.nodes api.access api.cameras api.webrtc "
        "api.webrtc.congestion"
    ),
    "api.events": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.index "
        "storage.recordings.gaps storage.audit storage.events api.limits api.headers api.requests "
        "api.access"
    ),
    "api.site": (
        "domain domain.paths domain.recordings storage.site storage.audit api.limits api.requests "
        "api.access api.base_map"
    ),
    "api.policy": (
        "domain domain.access_policy domain.paths storage.clients storage.site api.requests "
        "api.access api.site"
    ),
    "api.people": "domain domain.registry storage.site api.requests api.access api.site",
    "api.sessions": (
        "domain storage.site storage.sign_in api.limits api.requests api.openid api.access "
        "api.site api.people"
    ),
    "api.feeds": (
        "domain domain.events domain.paths storage.index storage.site api.requests api.access "
        "api.events"
    ),
    "api.node_api": (
        "domain domain.media domain.paths domain.recordings domain.registry "
        "storage.recordings storage.recordings.gaps storage.recordings.virtual storage.events "
        "api.limits api.requests api.nodes"
    ),
    "api.description": "domain api.requests api.access api.events api.feeds",
    "api": (
        "domain api.limits api.websockets api.requests api.access api.description api.cameras "
        "analytics api.exports "
        "api.live api.webrtc api.events api.site api.policy api.people api.sessions api.feeds"
    ),
    "console": "",
    "sightline.privileges": "domain domain.paths",
    "sightline.forking": "domain",
    "sightline.processes": (
        "domain domain.paths domain.registry storage.clients storage.index storage.archive "
        "storage.site storage.audit storage.events ingest.rtsp ingest.recording "
        "sightline.privileges sightline.forking"
    ),
    "sightline.arguments": "",
    "sightline.keys": "domain domain.paths sightline.processes",
    "sightline.cluster": "domain domain.paths domain.registry storage.site sightline.processes",
    "sightline.confinement": "domain domain.settings_groups domain.paths sightline.cluster",
    "sightline.evaluation": (
        "domain domain.media domain.events domain.registry ingest.frames analytics"
    ),
    "sightline.overload": (
        "domain domain.paths domain.registry storage.recordings sightline.processes"
    ),
    "sightline.cameras": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.recordings storage.recordings.gaps storage.events ingest.health ingest.frames "
        "ingest.rtsp ingest ingest.onvif ingest.recording sightline.processes sightline.cluster "
        "sightline.overload"
    ),
    "sightline.reanalysis": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.archive "
        "storage.events storage.recordings storage.recordings.gaps ingest.frames analytics "
        "analytics.passings sightline.processes"
    ),
    "sightline.jobs": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.clients "
        "storage.index storage.archive storage.recordings storage.recordings.gaps "
        "storage.recordings.virtual storage.site storage.audit "
        "storage.events storage api.feeds sightline.processes sightline.cluster sightline.overload"
    ),
    "sightline": (
        "domain domain.access_policy domain.media domain.events domain.paths domain.registry "
        "storage.clients "
        "storage.archive storage.recordings storage.recordings.gaps storage.recordings.virtual "
        "storage.site storage.sign_in storage.audit "
        "storage.events storage.exports storage ingest.packets.native ingest.live "
        "ingest.frames ingest.rtsp "
        "ingest.recording api.limits api.requests api.nodes api.openid api.access api.exports "
        "api.base_map api.node_api "
        "api.webrtc api.live api "
        "sightline.forking sightline.processes sightline.arguments sightline.keys "
        "sightline.cluster sightline.confinement sightline.overload sightline.cameras "
        "sightline.reanalysis sightline.jobs analytics"
    ),
    "sightline.commands": (
        "domain domain.access_policy domain.paths domain.recordings domain.registry simulator "
        "storage.clients storage.archive storage.recordings storage.recordings.gaps storage.site "
        "storage.openid storage.sign_in storage.audit storage.events storage.exports storage "
        "analytics api.base_map api.exports api.translations "
        "sightline.processes sightline.forking sightline.keys sightline.cluster "
        "sightline.evaluation sightline.reanalysis sightline"
    ),
}
"""Each package, from the lowest of its top-level package to the highest, and what it may import."""

MAY_IMPORT = {
    package: set(names.split()) | ({"domain.messages"} if "domain" in names.split() else set())
    for package, names in _TABLE.items()
}
"""What may import `domain` may import the messages, which its errors carry."""
