"""The manifest of an export as a page for people, in Chinese and English. Pure.

It is self-contained HTML without scripts, which any browser shows and prints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from api.translations.catalogue import in_chinese
from domain.clock import NS_PER_MS, NS_PER_S
from domain.messages.message import Message
from domain.recordings.gaps import GapCause
from storage.exports.layout import ExportLayout
from storage.exports.manifest import MANIFEST_NAME, SUMS_NAME, manifest_of
from storage.exports.records import ExportGap, ExportMember, ExportRange, ExportRecord, RangeResult

CAUSES = {
    GapCause.CAMERA_DOWN: "摄像机故障 · camera down",
    GapCause.NETWORK: "网络故障 · network fault",
    GapCause.DECODER: "码流无法录像 · stream cannot be recorded",
    GapCause.DISK: "磁盘故障 · disk fault",
    GapCause.SHED: "过载，未录像 · not recorded because of overload",
    GapCause.RESTART: "系统重启 · system restarted",
    GapCause.NOT_ASKED: "未要求录像 · recording was not requested",
    GapCause.DELETED: "曾录像，已清除 · recorded and deleted",
    GapCause.DAMAGED: "录像已损坏，未导出 · recording damaged, not exported",
    GapCause.CLOCK: "时钟被调快 · clock was set forward",
    GapCause.UNKNOWN: "原因不明 · cause unknown",
}
_TITLE = "录像导出清单 · Export of recordings"
_STYLE = (
    "body{font-family:sans-serif;margin:2em;line-height:1.5}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}"
    "th,td{border:1px solid #888;padding:.2em .6em;text-align:left;vertical-align:top}"
    "td{overflow-wrap:anywhere}"
)
_CHECK = (
    f"校验：在解压后的文件夹中运行 sha256sum -c {SUMS_NAME}，每行须以 OK 结尾。Windows 请在 "
    "PowerShell 中运行 Get-FileHash 文件名，并与下列 SHA-256 比对。",
    f"To check the files, run sha256sum -c {SUMS_NAME} in the unpacked folder; each line must end "
    "with OK. On Windows, compare Get-FileHash NAME in PowerShell with the SHA-256 below.",
    "哈希可发现文件损坏。本导出未签名，哈希可与文件一并被修改，因此不能据此证明文件未被蓄意篡改。",
    "The hashes find damage. The export is not signed, so they do not prove that the files and the "
    "hashes were not changed on purpose.",
)
_LATE = (
    "以下部分由导出时首次计算哈希，不能证明此前的内容：",
    "first hashed at the export, which proves nothing about the time before:",
)


def layout_of(record: ExportRecord, time_zone: str) -> ExportLayout:
    """Return the layout of an export, with its page in a time zone by its IANA name."""
    return ExportLayout(record, manifest_page(record, time_zone))


def manifest_page(record: ExportRecord, time_zone: str) -> bytes:
    """Return the page of an export whose ranges were read, as HTML in UTF-8.

    Times have the offset of the time zone from UTC.
    """
    zone = ZoneInfo(time_zone)
    finished = "" if record.finished_at is None else _time(record.finished_at, zone)
    head = _table(
        [],
        [
            ("导出编号 · Export", record.id),
            ("导出人 · Person", record.person),
            ("事由 · Reason", record.reason),
            ("案件编号 · Case", record.case),
            ("创建时间 · Created", _time(record.created_at, zone)),
            ("完成时间 · Finished", finished),
            (f"{MANIFEST_NAME} (SHA-256)", hashlib.sha256(manifest_of(record)).hexdigest()),
        ],
    )
    pairs = zip(record.ranges, record.results, strict=False)
    ranges = "".join(_range(requested, result, zone) for requested, result in pairs)
    notes = "".join(f"<p>{escape(line)}</p>\n" for line in _CHECK)
    page = (
        f'<!DOCTYPE html>\n<html lang="zh">\n<head><meta charset="utf-8"><title>{_TITLE}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{_TITLE}</h1>\n{head}{notes}{ranges}"
        "</body>\n</html>\n"
    )
    return page.encode()


def _range(requested: ExportRange, result: RangeResult, zone: ZoneInfo) -> str:
    camera = escape(f"{result.camera_name} ({requested.camera})")
    span = f"{_time(requested.from_, zone)} – {_time(requested.to, zone)}"
    parts = [f"<h2>{camera}</h2>\n<p>要求的时段 · Requested: {span}</p>\n"]
    if result.members:
        headings = ("文件 · File", "开始 · Start", "结束 · End", "字节 · Bytes", "SHA-256")
        parts.append(_table(headings, [_file(member, zone) for member in result.members]))
    if result.gaps:
        missing = ("缺少自 · Missing from", "至 · To", "原因 · Cause", "说明 · Detail")
        parts.append(_table(missing, [_gap(gap, zone) for gap in result.gaps]))
    else:
        parts.append("<p>该时段无缺口。 · Nothing is missing in this time.</p>\n")
    if result.offline:
        sources = escape(", ".join(result.offline))
        parts.append(
            f"<p>无应答、可能另有录像 · Did not answer, and may have more: {sources}</p>\n"
        )
    return "".join(parts)


def _file(member: ExportMember, zone: ZoneInfo) -> tuple[str, ...]:
    times = (_time(member.start, zone), _time(member.end, zone))
    return member.name, *times, str(member.size_bytes), f"{member.sha256}{_late(member, zone)}"


def _late(member: ExportMember, zone: ZoneInfo) -> str:
    """Return which parts of a file the recorder did not hash; empty if there are none."""
    if not member.hashed_late_ms:
        return ""
    spans = "; ".join(
        f"{_time(start_ms * NS_PER_MS, zone)} – {_time(end_ms * NS_PER_MS, zone)}"
        for start_ms, end_ms in member.hashed_late_ms
    )
    return f" ({_LATE[0]} {_LATE[1]} {spans})"


def _gap(gap: ExportGap, zone: ZoneInfo) -> tuple[str, ...]:
    return _time(gap.from_, zone), _time(gap.to, zone), _cause(gap.cause), _detail(gap.sentence)


def _cause(cause: str) -> str:
    return CAUSES[GapCause(cause)] if cause in list(GapCause) else cause


def _detail(sentence: Message) -> str:
    chinese = in_chinese(sentence)
    return sentence if chinese == sentence else f"{chinese} · {sentence}"


def _time(wall_ns: int, zone: ZoneInfo) -> str:
    """Return a time to the millisecond with its offset, such as 2026-11-24 21:55:04.120 +08:00."""
    seconds, ns = divmod(wall_ns, NS_PER_S)
    at = datetime.fromtimestamp(seconds, zone).replace(microsecond=ns // 1000)
    text = at.isoformat(" ", "milliseconds")
    return f"{text[:-6]} {text[-6:]}"


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; without headings, the first cell of each row is one."""
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    lines = [f"<tr>{head}</tr>"] if head else []
    for first, *rest in rows:
        tag = "td" if head else "th"
        cells = "".join(f"<td>{escape(one)}</td>" for one in rest)
        lines.append(f"<tr><{tag}>{escape(first)}</{tag}>{cells}</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>\n"
