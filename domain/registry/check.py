"""Reads and strictly checks the registry. It reports all faults together, each with file, line,
column and the likely correct word.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.errors import Fault, RegistryInvalid
from domain.events.event import Location
from domain.messages.message import Message
from domain.registry.faults import add_fault, reading_failure, unreadable
from domain.registry.model import (
    SECRET_NAME,
    Area,
    Camera,
    CameraTls,
    ClassPolicy,
    Registry,
    SubStream,
    default_classes,
)
from domain.registry.networks import Networks
from domain.registry.policies import check_policies
from domain.registry.registry_faults import registry_fault
from domain.registry.secrets import Secrets, load_secrets, secrets_file
from domain.registry.source import Path, RegistrySource, read_yaml
from domain.suggestions import is_plain_word, suggestion

SECRET_HINT = Message(
    "use letters, digits, - and _; user and password belong in the secrets file, or in "
    "SIGHTLINE_CAMERA_<NAME>=user:password"
)
_KEYS_OF: dict[type[BaseModel], tuple[str, ...]] = {
    model: tuple(field.alias or name for name, field in model.model_fields.items())
    for model in (Registry, Camera, ClassPolicy, Area, Location, SubStream, CameraTls)
}


def load_registry(file: FilePath, environ: Mapping[str, str]) -> tuple[Registry, Secrets]:
    """Return the registry of `file` and the credentials that it names. Raises RegistryInvalid with
    all faults.
    """
    return read_registry(file, environ)[1:]


def read_registry(file: FilePath, environ: Mapping[str, str]) -> tuple[str, Registry, Secrets]:
    """Return the text of the file too, in front of the results of `load_registry`."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryInvalid((unreadable(file, error),)) from error
    secrets, secret_faults = load_secrets(secrets_file(file.parent, environ), environ)
    registry, faults = check_text(text, str(file), secrets)
    if registry is None or faults or secret_faults:
        raise RegistryInvalid((*faults, *secret_faults))
    return text, registry, secrets


def registry_warnings(text: str, file: str) -> tuple[Fault, ...]:
    """Return what a valid registry may contain, but is probably a mistake."""
    source = read_yaml(text, file)
    found = RegistrySource(file, source.data, source.keys, source.values)
    first_line: dict[str, int] = {}
    for at, camera in enumerate(_mapping(source.data).get("cameras") or ()):
        path: Path = ("cameras", at, "url")
        line = first_line.setdefault(str(camera["url"]), source.values[path][0])
        if line != source.values[path][0]:
            found.fault(
                path,
                Message("this `url` is also that of the camera on line {line}", line=line),
                Message("each of the two is recorded for itself, from the same pictures"),
            )
    return tuple(found.faults)


def check_text(text: str, file: str, secrets: Secrets) -> tuple[Registry | None, tuple[Fault, ...]]:
    """Return the registry in `text` and its faults in the order of the file. The registry is None
    if it cannot be built.
    """
    try:
        source = read_yaml(text, file)
    except RegistryInvalid as error:
        return None, error.faults
    registry = _build(source)
    _check_across(source, registry, secrets)
    return registry, tuple(sorted(set(source.faults), key=lambda fault: (fault.line, fault.column)))


def build_registry(text: str, file: str) -> Registry | None:
    """Return the registry in `text`, or None; the text was already checked when it was applied."""
    try:
        return _build(read_yaml(text, file))
    except RegistryInvalid:
        return None


def _build(source: RegistrySource) -> Registry | None:
    try:
        return Registry.model_validate(_with_class_defaults(source.data), extra="forbid")
    except ValidationError as error:
        for detail in error.errors():
            if not _is_of_class(source, detail["loc"]):
                _add_fault(source, detail)
        return None


def _is_of_class(source: RegistrySource, path: Path) -> bool:
    """Return whether a camera has a wrong value from its class, where the fault is reported."""
    at_camera = path[:1] == ("cameras",) and len(path) > 2 and path[2] in ClassPolicy.model_fields
    return at_camera and path[:3] not in source.values


def _with_class_defaults(data: Any) -> Any:
    """Fill in each camera's policy keys from its class."""
    if not isinstance(data, dict) or not isinstance(data.get("cameras"), list):
        return data
    classes: dict[Any, dict[str, Any]] = {
        name: policy.model_dump() for name, policy in default_classes().items()
    }
    for name, policy in _mapping(data.get("classes")).items():
        if isinstance(policy, dict):
            classes[name] = {
                **classes.get(name, {}),
                **{k: v for k, v in policy.items() if k in ClassPolicy.model_fields},
            }
    cameras = [
        {**classes.get(str(camera.get("class")), {}), **camera}
        if isinstance(camera, dict)
        else camera
        for camera in data["cameras"]
    ]
    return {**data, "classes": _merged_classes(data.get("classes"), classes), "cameras": cameras}


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _merged_classes(written: Any, merged: dict[Any, dict[str, Any]]) -> Any:
    if written is None:
        return merged
    if not isinstance(written, dict):
        return written
    filled = {
        name: {**merged[name], **policy} if isinstance(policy, dict) else policy
        for name, policy in written.items()
    }
    return {**{name: merged[name] for name in default_classes()}, **filled}


def _add_fault(source: RegistrySource, detail: ErrorDetails) -> None:
    is_key = detail["type"] in ("missing", "extra_forbidden", "literal_error")
    if detail["loc"][-1:] == ("credentials",) and not is_key:
        wrong = Message("`credentials` must be the name of a secret")
        source.fault(detail["loc"], wrong, SECRET_HINT)
    else:
        add_fault(source, detail, _keys_at, "registry", registry_fault)


def _keys_at(path: Path) -> tuple[str, ...]:
    if path[0] == "cameras" and len(path) > 2:
        inner: dict[str, type[BaseModel]] = (
            {"location": Location, "substream": SubStream, "tls": CameraTls}
            if len(path) > 3
            else {}
        )
        return _KEYS_OF[inner.get(str(path[2]), Camera)]
    if path[0] in ("classes", "areas") and len(path) > 2:
        return _KEYS_OF[ClassPolicy if path[0] == "classes" else Area]
    return _KEYS_OF[Registry]


def _check_across(source: RegistrySource, registry: Registry | None, secrets: Secrets) -> None:
    """Check ids, areas, credentials and networks across all entries. It also runs if some entries
    are faulty.
    """
    data = _mapping(source.data)
    written = data.get("cameras")
    cameras: list[Any] = written if isinstance(written, list) else []
    areas = tuple(_mapping(data.get("areas")))
    networks = Networks(registry.networks if registry else _networks_of(data))
    first_line: dict[str, int] = {}
    for i, camera in enumerate(cameras):
        if isinstance(camera, dict):
            _check_id(source, ("cameras", i, "id"), camera.get("id"), first_line)
            _check_area(source, ("cameras", i, "area"), camera.get("area"), areas)
            _check_credentials(
                source, ("cameras", i, "credentials"), camera.get("credentials"), secrets
            )
            _check_network(source, ("cameras", i, "url"), camera.get("url"), networks)
            smaller = _mapping(camera.get("substream"))
            _check_network(source, ("cameras", i, "substream", "url"), smaller.get("url"), networks)
            _check_tls(source, ("cameras", i, "tls"), camera)
    _check_former_areas(source, _mapping(data.get("areas")))
    if registry is not None:
        check_policies(source, registry)


def _networks_of(data: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return Registry.model_validate(
            {"version": 1, "networks": data["networks"]} if "networks" in data else {"version": 1}
        ).networks
    except ValidationError:  # this fault has been added at its own line
        return Registry(version=1).networks


def _check_id(
    source: RegistrySource, path: Path, camera_id: Any, first_line: dict[str, int]
) -> None:
    if not isinstance(camera_id, str):
        return
    line = source.values[path][0]
    if camera_id in first_line:
        taken = (
            Message("the id `{camera}` is taken", camera=camera_id)
            if is_plain_word(camera_id)
            else Message("this id is taken")
        )
        first = first_line[camera_id]
        source.fault(
            path, taken, Message("by the camera on line {line}; ids are unique", line=first)
        )
    first_line.setdefault(camera_id, line)


def _check_former_areas(source: RegistrySource, areas: dict[Any, Any]) -> None:
    """Check that a former path names one area only, and none of today."""
    first_line: dict[str, int] = {}
    for area, entry in areas.items():
        former = _mapping(entry).get("formerly")
        for i, path in enumerate(former if isinstance(former, list) else []):
            where: Path = ("areas", area, "formerly", i)
            if not isinstance(path, str) or where not in source.values:
                continue
            former_area = (
                Message("the former area `{area}`", area=path)
                if is_plain_word(path)
                else Message("this former area")
            )
            line = source.values[where][0]
            if path in areas:
                present = Message("{former_area} is an area of today", former_area=former_area)
                source.fault(where, present, Message("rename one of them"))
            elif path in first_line:
                source.fault(
                    where,
                    Message("{former_area} became two areas", former_area=former_area),
                    Message("it is also on line {line}; name it once", line=first_line[path]),
                )
            first_line.setdefault(path, line)


def _check_area(source: RegistrySource, path: Path, area: Any, areas: tuple[str, ...]) -> None:
    if isinstance(area, str) and area not in areas:
        is_plain = is_plain_word(area)
        unknown = (
            Message("the area `{area}` is not under `areas`", area=area)
            if is_plain
            else Message("this area is not under `areas`")
        )
        add = Message("add it under `areas:`, as  {key}: {name: …}", key=area if is_plain else "ID")
        source.fault(path, unknown, suggestion(area, areas) if areas else add)


def _check_credentials(source: RegistrySource, path: Path, name: Any, secrets: Secrets) -> None:
    # Another value is a fault of its own (`_add_fault`), and may be the password itself.
    if isinstance(name, str) and SECRET_NAME.fullmatch(name) and secrets.get(name) is None:
        variable = "SIGHTLINE_CAMERA_" + name.upper().replace("-", "_")
        source.fault(
            path,
            Message("there is no secret `{name}`", name=name),
            Message(
                "add it to the secrets file, or set {variable}=user:password", variable=variable
            ),
        )


def _check_tls(source: RegistrySource, path: Path, camera: dict[Any, Any]) -> None:
    """`tls` belongs to `rtsps://`, and its file is read on the machine of the check."""
    tls = _mapping(camera.get("tls"))
    if not tls:
        return
    urls = (camera.get("url"), _mapping(camera.get("substream")).get("url"))
    if not any(str(url).lower().startswith("rtsps://") for url in urls):
        source.fault(
            path,
            Message("`tls` is for cameras with rtsps://"),
            Message("correct the url, or remove it"),
        )
    ca = tls.get("ca")
    if not isinstance(ca, str) or not ca.startswith("/"):
        return
    try:
        text = FilePath(ca).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = reading_failure(error)
        source.fault(
            (*path, "ca"),
            Message("the file cannot be read: {reason}", reason=reason),
            Message("every node needs the file under this path"),
        )
    else:
        if "-----BEGIN CERTIFICATE-----" not in text:
            source.fault(
                (*path, "ca"),
                Message("the file holds no certificate"),
                Message("write it as PEM"),
            )


def _check_network(source: RegistrySource, path: Path, url: Any, networks: Networks) -> None:
    if not isinstance(url, str) or "://" not in url:
        return
    host = url.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
    host = (
        host[1 : host.index("]")]
        if host.startswith("[") and "]" in host
        else host.partition(":")[0]
    )
    refusal = networks.literal_fault(host)
    if refusal:
        source.fault(
            path,
            refusal,
            Message("add its network under `networks:`, or correct the address"),
        )
