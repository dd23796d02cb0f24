"""Problem documents in Chinese, for clients whose `Accept-Language` prefers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message as AsgiMessage
from starlette.types import Scope, Send

from api.headers.preferences import weights
from api.requests.problems import MEDIA_TYPE, PREFIX, Problem, error_response
from api.translations.catalogue import in_chinese
from domain.errors import SightlineError
from domain.messages.message import Message

ENGLISH, CHINESE = "en", "zh-CN"
MESSAGE_OF_DETAIL = "`detail` as a template and its parts; a time is `{at}`"
TITLES: dict[str, tuple[str, str]] = {
    "bad_input": ("请求格式错误", "请按说明更正请求"),
    "query_invalid": ("参数无效", "请更正 field 所指的参数"),
    "unauthenticated": ("需要身份验证", "请发送有效的令牌"),
    "sign_in_failed": ("登录失败", "请检查用户名、密码和动态验证码"),
    "forbidden": ("不允许此请求", "需要拥有相应权限的角色"),
    "reason_missing": ("此请求需要填写事由", "请在 X-Reason 标头中填写事由"),
    "case_required": ("此请求需要有效的案件编号", "请在 X-Case 标头中填写未结案件的编号"),
    "approval_required": ("此请求需要另一人批准", "请按 approval 所列内容提交审批申请"),
    "second_person_required": ("此操作须由另一人执行", "请由另一位有权人员操作"),
    "record_exists": ("名称或编号已被使用", "请另选名称或编号"),
    "sign_in_refused": ("登录被拒绝", "请重新登录；原因见说明"),
    "not_found": ("资源不存在", "请检查地址或编号"),
    "clip_missing": ("该事件没有视频片段", "原因见说明"),
    "method_not_allowed": ("此地址不支持该方法", "请使用 Allow 标头所列的方法"),
    "body_too_slow": ("请求正文未按时到达", "请一次性发送整个正文"),
    "clip_not_ready": ("视频片段尚未就绪", "请在 Retry-After 秒后重试"),
    "correction_conflict": ("该事件已被其他请求更正", "请重新读取事件后再决定"),
    "trigger_refused": ("摄像机不接受此触发", "请检查登记表中该摄像机的 triggers"),
    "key_in_use": ("相同的请求正在处理", "请等待第一个请求结束"),
    "record_ended": ("该留存或布控已结束", "请新建一个"),
    "export_not_ready": ("导出尚未就绪", "请在 Retry-After 秒后重试"),
    "export_gone": ("该导出已无法下载", "原因见说明；请新建一个导出"),
    "precondition_failed": ("资源已被更改", "请重新读取后再决定"),
    "content_too_large": ("请求正文过大", "请减少发送的内容"),
    "uri_too_long": ("地址过长", "请缩短地址"),
    "headers_too_large": ("请求标头过大", "请减少发送的标头"),
    "unsupported_media_type": ("正文必须为 JSON", "请使用 Content-Type: application/json"),
    "range_not_satisfiable": ("请求的范围超出文件", "请参照 Content-Range 中的大小"),
    "key_reused": ("该 Idempotency-Key 属于另一个请求", "不同的请求请使用不同的键"),
    "rate_limited": ("请求过于频繁", "请在 Retry-After 秒后重试"),
    "upgrade_required": ("此地址需要 WebSocket", "请使用 WebSocket 连接"),
    "internal": ("内部错误", "请将此请求的编号告知系统管理员"),
    "data_loss": ("存储的数据已损坏", "请运行 sightline storage check"),
    "index_unavailable": ("索引不可用", "请稍后重试"),
    "objects_unavailable": ("对象存储不可用", "请稍后重试；检索仍可使用"),
    "audit_unavailable": ("审计日志不可用", "请报告系统管理员"),
    "node_offline": ("摄像机所在的节点不可用", "请稍后重试"),
    "camera_unavailable": ("摄像机没有视频", "请查看摄像机的状态"),
    "codec_unsupported": ("无法传送该摄像机的视频", "请按说明更改摄像机的编码设置"),
    "provider_unavailable": ("身份提供方不可用", "请稍后重试；令牌和密码仍可使用"),
    "unavailable": ("服务暂时不可用", "请稍后重试"),
    "http": ("请求被拒绝", "原因见说明"),
}
"""By the name of a problem: its title in Chinese, and what to do. English is in `problems.py`."""


def preferred_language(accept_language: str) -> str:
    """Return the language of problems for an `Accept-Language` (RFC 9110, section 12.5.4)."""
    best, best_weight = ENGLISH, 0.0
    for tag, weight in weights(accept_language).items():
        language = {"zh": CHINESE, "en": ENGLISH}.get(tag.partition("-")[0])
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def translated(body: bytes) -> bytes:
    """Return a problem document with a Chinese title and advice; its detail follows the advice.

    A message that has no translation stays English.
    """
    problem = json.loads(body)
    title, advice = TITLES[problem["type"].removeprefix(PREFIX)]
    cause = in_chinese(Message.of_form(problem["message"]))
    message = Message("{advice}：{cause}", advice=advice, cause=cause)
    problem |= {"title": title, "detail": message, "message": message.form}
    return json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()


def problem_of(error: SightlineError, request_id: str, language: str) -> Problem:
    """Return the problem of an error as a part of another message."""
    body = bytes(error_response(error, request_id).body)
    return Problem.model_validate_json(translated(body) if language == CHINESE else body)


async def _messages(request: Request, response: Response) -> Callable[[Message], Message]:
    language = preferred_language(request.headers.get("Accept-Language", ""))
    response.headers.add_vary_header("Accept-Language")
    return in_chinese if language == CHINESE else Message


Messages = Annotated[Callable[[Message], Message], Depends(_messages)]
"""Returns a message of an answer in the language of the client; one that is not known stays
English.
"""


class ProblemLanguage:
    """Sends the messages of one response, with problems in the language of the client."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._language = preferred_language(Headers(scope=scope).get("Accept-Language", ""))
        self._start: AsgiMessage | None = None

    async def send(self, message: AsgiMessage) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
            return
        if self._start is not None and message["type"] == "http.response.body":
            message = await self._send_start(message)
        await self._send(message)

    async def _send_start(self, message: AsgiMessage) -> AsgiMessage:
        """Send the start with the language of `message`, which is the whole body of a problem."""
        assert self._start is not None
        start, self._start = self._start, None
        body = message.get("body", b"")
        if body and self._language == CHINESE:
            body = translated(body)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Language"] = self._language
        headers["Content-Length"] = str(len(body))
        headers.add_vary_header("Accept-Language")
        await self._send({**start, "headers": headers.raw})
        return {**message, "body": body}


def _is_problem(message: AsgiMessage) -> bool:
    return Headers(raw=message.get("headers", [])).get("Content-Type") == MEDIA_TYPE
