"""The details of gaps in recordings, in Chinese: why a camera failed, and what the ledger infers.

A key is a sentence with `{}` for each of its parts, as in `errors.py`.
"""

from __future__ import annotations

STREAM_SENTENCES: dict[str, str] = {
    # the connection
    "the connection failed: {}": "连接中断：{}",
    "no connection can be made: {}": "无法建立连接：{}",
    "{}:{} cannot be reached: {}": "无法连接 {}:{}：{}",
    "{}:{} did not answer within {} s": "{}:{} 在 {} 秒内无应答",
    "the camera's address is none": "摄像机地址无效",
    "the camera ended the connection": "摄像机断开了连接",
    "the camera ended the stream": "摄像机结束了码流",
    "the camera takes nothing": "摄像机不接收数据",
    "the camera said nothing for {} s": "摄像机 {} 秒无数据",
    "no video arrived for {} s": "{} 秒未收到视频",
    "no pair of UDP ports is free between {} and {}": "{} 至 {} 之间没有空闲的 UDP 端口对",
    # TLS
    "the TLS handshake failed: {}": "TLS 握手失败：{}",
    "the camera sent no certificate": "摄像机未发送证书",
    "the camera ended the TLS handshake": "摄像机中断了 TLS 握手",
    "the camera did not finish the TLS handshake within {} s": "摄像机在 {} 秒内未完成 TLS 握手",
    "the camera's certificate{} is not trusted: {}; compare its SHA-256 at the camera and write it "
    "into the registry as  tls: {sha256: …}, or name its authority": (
        "摄像机证书{}不受信任：{}；请核对其 SHA-256 并登记，或登记其签发机构"
    ),
    "{}, the file with the camera's authority, cannot be read on this node": (
        "本节点无法读取签发机构文件 {}"
    ),
    # RTSP
    "the camera asks for the password without encryption (basic authentication), so it is not "
    "sent; enable digest authentication or rtsps at the camera, or accept that with  "
    "basic_in_clear: true": (
        "摄像机要求明文口令，未发送；请启用摘要认证或 rtsps，或登记 basic_in_clear: true"
    ),
    "user and password together are too long for RTSP (127 bytes, and reserved characters count "
    "three)": "用户名与密码合计过长（RTSP 限 127 字节，保留字符按三字节计）",
    "the camera refuses the user name or password": "摄像机拒绝用户名或密码",
    "the camera has no stream under this path (404)": "该路径没有码流（404）",
    "the camera refuses the request ({})": "摄像机拒绝请求（{}）",
    "the camera refuses the request ({}: {})": "摄像机拒绝请求（{}：{}）",
    "the camera describes no stream": "摄像机未描述任何码流",
    "the camera gave up the session (454)": "摄像机丢弃了会话（454）",
    "the camera's answer is not RTSP": "摄像机的应答不是 RTSP",
    "the camera's answer is not RTSP, or its description of the stream is broken": (
        "摄像机的应答不是 RTSP，或码流描述有误"
    ),
    "the camera's answer is longer than {} KiB": "摄像机的应答超过 {} KiB",
    "the camera redirects to another address; write that one into the registry": (
        "摄像机要求改连其他地址，请登记该地址"
    ),
    "the camera does not send the way the registry says; write another `transport` there": (
        "摄像机不按登记表的方式传输，请更改 `transport`"
    ),
    "the camera does not send over TCP; write `transport: udp` into the registry": (
        "摄像机不支持 TCP 传输，请在登记表中写 `transport: udp`"
    ),
    "the camera does not send over UDP; write `transport: tcp` into the registry": (
        "摄像机不支持 UDP 传输，请在登记表中写 `transport: tcp`"
    ),
    # the ledger
    "recordings are kept for {} days": "录像保存 {} 天",
    "nothing is known of it before {}": "{} 之前的情况不明",
    "the camera is switched off in the registry": "该摄像机在登记表中已停用",
    "no process looks after the camera": "没有进程接管该摄像机",
    "the camera is no longer in the registry since {}": "该摄像机自 {} 起已不在登记表中",
    "no trigger asked for it": "没有触发，无需录像",
    "it was recorded, and deleted when its time was over or the disk was full": (
        "曾有录像，到期或磁盘满时被清除"
    ),
    "{}, which may have it, does not answer": "{} 可能存有该录像，但无应答",
}
