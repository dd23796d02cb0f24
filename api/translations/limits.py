"""Why a request is one too many, in Chinese."""

from __future__ import annotations

LIMITS: dict[str, str] = {
    "{person} sends too many requests; send fewer": ("{person} 的请求过于频繁"),
    "feeds and files open": ("事件流和文件"),
    "searches and lists running": ("检索和列表"),
    "exports being made": ("导出"),
    "{person} waits for the SHA-256 of a recording here already; wait for it, or request the "
    "recording without it": (
        "{person} 已在等待一个录像的 SHA-256，请等待其结果，或不要求 SHA-256，直接请求该录像"
    ),
    "{person} has {most} {requests} here already; wait for one of them": (
        "{person} 在此已有 {most} 项（{requests}），请等待其中一项结束"
    ),
    "this address sends too many requests": ("此地址的请求过于频繁"),
    "{max_running} exports are being made already; try again in a moment": (
        "已有 {max_running} 项导出正在进行，请稍后重试"
    ),
    "{max_followers} others follow this feed by this process already; try again later": (
        "本进程已有 {max_followers} 人订阅此事件流，请稍后重试"
    ),
    "{most} requests wait for the SHA-256 of recordings here already; try again in a moment, or "
    "request the recording without it": (
        "已有 {most} 个请求在此等待录像的 SHA-256，请稍后再试，或不要求 SHA-256，直接请求该录像"
    ),
    "no client waits for the SHA-256 of this recording any more": (
        "已没有客户端等待此录像的 SHA-256"
    ),
    "{most} files are being sent here already; try again in a moment": (
        "此处已有 {most} 个文件正在发送，请稍后重试"
    ),
    "searches and lists": ("检索和列表"),
    "pictures": ("图片"),
    "playback": ("回放"),
    "the identity provider": ("身份提供方"),
    "recordings": ("录像"),
    "passwords": ("密码"),
    "{running} requests for {pool} are being answered here and {waiting} wait; try again in a "
    "moment": ("此处正在处理 {running} 项请求（{pool}），另有 {waiting} 项等待，请稍后重试"),
}
