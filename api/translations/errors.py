"""The sentences of problems that people read in the console, in Chinese.

A key is the sentence of an error with `{}` for each of its parts. `tests/api/translations/
test_errors.py` compares the keys with the sources and fails for one that is missing.
"""

from __future__ import annotations

import re
from functools import cache

from api.translations.streams import STREAM_SENTENCES

SENTENCES: dict[str, str] = {
    # cameras, recordings and live video
    "no node is connected to this camera, so there is no video": (
        "没有节点连接此摄像机，因此没有画面"
    ),
    "no node that has recordings of {} answers, and the object store knows nothing of that time": (
        "保存 {} 录像的节点均无应答，对象存储中也没有该时段的录像"
    ),
    "{}, which may have recordings of {}, does not answer": "节点 {} 可能存有 {} 的录像，但无应答",
    "{} of this event is not uploaded yet, and no node holds {}": (
        "该事件的 {} 尚未上传，且没有节点接管 {}"
    ),
    "{}, the node that holds this camera, sends detections in another form; is it of another "
    "version?": "接管该摄像机的节点 {} 发送的检测结果格式不符，版本可能不同",
    "{}, the node that holds this camera, ended the stream": "接管该摄像机的节点 {} 结束了码流",
    "{}, the node that holds this camera, sends live video in another form; is it of another "
    "version?": "接管该摄像机的节点 {} 发送的实时视频格式不符，版本可能不同",
    "{}, the node that holds this camera, is not reachable by TLS; the log says why": (
        "无法以 TLS 连接接管该摄像机的节点 {}，原因见日志"
    ),
    "{}, the node that holds this camera, answers in another form; is it of another version?": (
        "接管该摄像机的节点 {} 应答格式不符，版本可能不同"
    ),
    "{}, the node that holds this camera, does not serve this API; the log says why": (
        "接管该摄像机的节点 {} 拒绝本 API 的请求，原因见日志"
    ),
    "{} announces an address that is none": "节点 {} 公布的地址无效",
    "{}, the node that holds this camera, does not answer; what is only there must wait until it "
    "is back": "接管该摄像机的节点 {} 无应答；仅存于该节点的内容须待其恢复",
    "camera {} is no longer in the registry since {}; only what was recorded of it before can be "
    "read": "摄像机 {} 自 {} 起已不在登记表中，仅可查阅此前的录像",
    "there is no camera {} in the registry; GET /v1/cameras lists all": "登记表中没有摄像机 {}",
    "nothing of {} is recorded between {} and {}": "{} 在 {} 至 {} 之间没有录像",
    "nothing of {} is recorded at {}": "{} 在 {} 没有录像",
    "{} is no segment of {}; use the URLs of a playlist without a change": (
        "{} 不是 {} 的录像分段，请重新打开回放"
    ),
    "{} is not in the object store": "对象存储中没有 {}",
    "{} was deleted": "{} 已被清除",
    "{} was deleted, or it cannot be read": "{} 已被清除或无法读取",
    "this ticket is for another time; use the URLs of a playlist without a change": (
        "此播放凭证属于其他时段，请重新打开回放"
    ),
    "this ticket is for another range; use its address without a change": (
        "此凭证属于其他时段，请重新下载"
    ),
    "this ticket is for another resource; use URLs without a change": (
        "此凭证属于其他内容，请重新打开"
    ),
    "{} has privacy masks, and its video is not masked; it needs the right `{}`": (
        "{} 设有隐私遮挡，而其视频未经遮挡，需要权限 `{}`"
    ),
    "detections need the right `{}`": "查看检测框需要权限 `{}`",
    "{} is disabled in the registry, so nothing records it": "{} 在登记表中已停用，不会录像",
    "`triggers` of {} in the registry lacks `api`": "登记表中 {} 的 `triggers` 不含 `api`",
    "there is no session {}: {}": "没有实时会话 {}：{}",
    "{}, through this API process; close one of them": "{}（经本进程），请先关闭其中一路",
    "what is recorded around it is not known: {}": "其前后的录像情况不明：{}",
    "nor is anything within a day of it": "前后一天内也没有录像",
    "what comes before ends at {} and what comes after begins at {}": (
        "此前的录像止于 {}，此后的录像始于 {}"
    ),
    "what comes before ends at {}": "此前的录像止于 {}",
    "what comes after begins at {}": "此后的录像始于 {}",
    # events
    "there is no event {}": "没有事件 {}",
    # exports
    "the export failed: {}": "导出失败：{}",
    "{}; create a new one": "{}，请新建导出",
    "the recordings of this export are still being read; try again later": (
        "此导出的录像仍在读取，请稍后重试"
    ),
    "there is no export {}; GET /v1/exports lists those that you may see": "没有导出 {}",
    "the exports of {} have {} hours of recordings, this one has {}, and one person may have {}; "
    "delete one that is no longer needed, or export less": (
        "{} 的导出已有 {} 小时录像，此次 {} 小时，每人至多 {} 小时；请删除旧导出，或减少时长"
    ),
    "{} has {} exports; delete one that is no longer needed": (
        "{} 已有 {} 个导出，请删除不再需要的导出"
    ),
    # rights, reasons, cases and approvals
    "{} is {} {} without the right `{}`": "{0}（角色 {2}）没有权限 `{3}`",
    "{} {} is about the whole site, and {} may see some cameras only": (
        "{} {} 涉及全站，而 {} 只能查看部分摄像机"
    ),
    "{} {} is not declared, so it is refused": "{} {} 未经声明，已拒绝",
    "this site requires a second factor of the role {}; enrol one by POST "
    "/v1/session/second-factor": "本站要求角色 {} 启用双因素验证",
    "a change with a session cookie needs the header {} with `csrf_token` of GET /v1/session": (
        "会话校验失败（标头 {}），请重新载入页面"
    ),
    "the access policy of this site allows no emergency access": "本站的访问策略不允许紧急查阅",
    "this emergency access was reviewed and found unjustified": "此次紧急查阅经复核认定为不当",
    "this request has no person": "此请求没有对应的人员",
    "the token, or the right to this call, is no longer valid": "令牌或此操作的权限已失效",
    "this request needs a reason: send a header X-Reason, for example `X-Reason: theft 2026-118` "
    "(other than Latin letters as UTF-8 or percent-encoded); a browser may bind one to its session "
    "by PATCH /v1/session": "此操作需要填写事由",
    "this request needs a case: send a header X-Case with the number of an open case": (
        "此操作需要填写未结案件的编号"
    ),
    "there is no case {}; a person with the right `evidence` opens it by POST /v1/cases": (
        "没有案件 {}，须由有 `evidence` 权限的人员新建"
    ),
    "the case {} is closed; name an open case": "案件 {} 已结，请填写未结案件",
    "the case {} does not have the form that this site demands: {}": (
        "案件编号 {} 不符合本站要求的格式：{}"
    ),
    "this request needs the approval of a second person: request it by POST /v1/approvals with the "
    "`call` and the `terms` of `approval`, and repeat this request when it is approved": (
        "此操作需要另一人批准：请提交申请，获批后重试"
    ),
    "{} lacks the right `{}`, which the call needs": "{} 没有此操作所需的权限 `{}`",
    "the call is about the whole site, and this person may see some cameras": (
        "此操作涉及全站，而该人员只能查看部分摄像机"
    ),
    "there is no request for approval {}; GET /v1/approvals lists those that you may see": (
        "没有审批申请 {}"
    ),
    "there is no emergency access {}; GET /v1/emergencies lists all": "没有紧急查阅 {}",
    "there is no case {}; GET /v1/cases lists all": "没有案件 {}",
    "{} has requested this approval, so another person decides": (
        "此申请由 {} 提交，须由另一人处理"
    ),
    "{} had this emergency access, so another person reviews it": (
        "此次紧急查阅由 {} 发起，须由另一人复核"
    ),
    "the request {} was decided before, or has expired": "申请 {} 已处理或已过期",
    "the emergency access {} was reviewed before": "紧急查阅 {} 已复核",
    "{} has {} requests for approval that wait; let them be decided first": (
        "{} 已有 {} 项申请待处理，请先等待处理"
    ),
    "{} emergency accesses of {} wait for a review today; give the same reason again, or let some "
    "be reviewed": "{1} 今日有 {0} 次紧急查阅待复核；请沿用原事由，或先行复核",
    # people and sign-ins
    "{} cannot change their own role, rights or scope; another person with the right `{}` does it, "
    "or `sightline user set` on the machine": (
        "{} 不能更改本人的角色、权限或可见范围；须由另一位有 `{}` 权限的人员更改"
    ),
    "{} is the last person with the right `{}` for the whole site; give it to another person "
    "first": "{} 是最后一位拥有全站 `{}` 权限的人员；请先授予他人",
    "there is no person {}; GET /v1/people lists all": "没有人员 {}",
    "{} has no token {}": "{} 没有令牌 {}",
    "the name {} is in use; choose another": "名称 {} 已被使用，请另选",
    "there is a case {} already": "案件 {} 已存在",
    "{} was changed in the meantime; read it again, then decide": "{} 已被更改，请重新读取后再决定",
    "{} was removed in this moment": "{} 刚被移除",
    "a password and a cookie are not sent without TLS: use https, or name the https origin of the "
    "proxy in SIGHTLINE_ORIGINS": "未加密的连接不能用密码登录，请使用 https",
    "too many sign-ins from here have failed; a browser in which this person has signed in before "
    "is not delayed by them": "此处登录失败次数过多，请稍后重试；此前登录过的浏览器不受影响",
    "there is no session {}; GET /v1/sessions lists those that you may end": "没有会话 {}",
    # holds, watches and saved views
    "there is no hold {}; GET /v1/holds lists all": "没有依法留存 {}",
    "there is no watch {}; GET /v1/watches lists those that stand": "没有布控 {}",
    "there is no saved view {}; GET /v1/saved-views lists all": "没有布局 {}",
    "the hold {} has ended, so place a new one": "留存 {} 已结束，请新建",
    "the watch {} has ended, so place a new one": "布控 {} 已结束，请新建",
    "the hold {} has version {}, not {}; read it again": "留存 {} 已被更改，请重新读取",
    "the watch {} has version {}, not {}; read it again": "布控 {} 已被更改，请重新读取",
    "the record has version {}, not {}; read it again": "该记录已被更改，请重新读取",
    "this view has cameras outside of your scope ({}), so you cannot change its tiles; save a new "
    "view": "此布局含有您无权查看的摄像机（{}），无法更改画面，请另存新布局",
    "only {} and administrators change this view; save a new one instead": (
        "此布局仅 {} 与管理员可更改，请另存新布局"
    ),
    # corrections
    "this event's correction is not of version {} any more: {}; read it again, then decide": (
        "该事件的更正已非版本 {}：{}；请重新读取后再决定"
    ),
    "another person is correcting this event at this moment; read it again, then decide": (
        "他人正在更正该事件，请重新读取后再决定"
    ),
    "this event was corrected by another person at the same moment; read it again, then decide": (
        "该事件刚由他人更正，请重新读取后再决定"
    ),
    # the site
    "the audit log cannot be written, so accesses and changes are refused; report this to the "
    "administrator of the site": "审计日志无法写入，因此拒绝查阅与更改，请报告本站管理员",
    "the audit log cannot be written: {}": "审计日志无法写入：{}",
    "{} sends too many requests; send fewer": "{} 的请求过于频繁",
    "{} has {} {} here already; wait for one of them": (
        "{} 在此已有 {} 项（{}），请等待其中一项结束"
    ),
    "this address sends too many requests": "此地址的请求过于频繁",
    "the index does not respond, so searches are not possible; retry in a few seconds": (
        "索引无应答，暂时无法检索，请几秒后重试"
    ),
    "the object store does not respond; searches still work, and this file will be available when "
    "the store responds again": "对象存储无应答；检索仍可使用，此文件待其恢复后可用",
    "the error is in the log under the id of this request; report the id to the administrator of "
    "the site": "错误已按此请求的编号记入日志，请将编号告知本站管理员",
}


_ALL = SENTENCES | STREAM_SENTENCES
_PART = "((?:(?!; ).)+?)"
"""A part of a sentence: no part holds a further sentence."""


def in_chinese(sentence: str) -> str | None:
    """Return a sentence of an error in Chinese; None if it has no translation.

    A sentence of two errors, such as `nothing is recorded; nor is anything near`, is translated if
    both are.
    """
    whole = _whole(sentence)
    if whole is not None:
        return whole
    for end in (found.start() for found in re.finditer("; ", sentence)):
        parts = [_whole(sentence[:end]), _whole(sentence[end + 2 :])]
        if None not in parts:
            return "；".join(map(str, parts))
    return None


def _whole(sentence: str) -> str | None:
    for template, pattern in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return _ALL[template].format(*found.groups())
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the patterns, those with the longest texts first."""
    ordered = sorted(_ALL, key=lambda template: -len(template.replace("{}", "")))
    return tuple(
        (template, re.compile(_PART.join(map(re.escape, template.split("{}"))), re.DOTALL))
        for template in ordered
    )
