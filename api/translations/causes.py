"""What is wrong with a camera and what to do about it, in Chinese."""

from __future__ import annotations

CAUSES_OF_CAMERAS: dict[str, str] = {
    "The host name cannot be resolved.": "域名无法解析。",
    "The address is outside the networks that the registry allows.": "地址不在登记表允许的网段内。",
    "The port refuses connections. Check the port, and that RTSP is enabled.": (
        "端口拒绝连接：请核对端口，确认摄像机已开启 RTSP。"
    ),
    "The network cannot be reached. Check cable, VLAN and route.": (
        "网络不可达：请检查网线、VLAN 与路由。"
    ),
    "The connection timed out. Check address, power and firewall.": (
        "连接超时：请核对地址，检查供电与防火墙。"
    ),
    "The connection broke.": "连接中断。",
    "Another service than RTSP answers on this port.": "该端口不是 RTSP 服务。",
    "The TLS connection failed. Check rtsps and the port.": "加密连接失败：请核对 rtsps 与端口。",
    "The camera's certificate is not trusted. Check and register its fingerprint.": (
        "摄像机证书不受信任：请核对指纹并写入登记表。"
    ),
    "The user name or the password is wrong. Check the credentials.": (
        "用户名或密码错误：请核对 credentials。"
    ),
    "The camera wants the password without encryption, so it was not sent. Enable digest or "
    "rtsps.": ("摄像机要求以明文发送密码，未发送：请启用摘要认证或 rtsps。"),
    "The path of the stream does not exist (404). Check the path.": (
        "码流地址不存在（404）：请核对路径。"
    ),
    "The camera has lost the session (454).": "摄像机上的会话已不存在（454）。",
    "The camera redirects to another address. Register that address.": (
        "摄像机要求改连其他地址：请将新地址写入登记表。"
    ),
    "The camera does not support this transport. Set transport to udp or tcp.": (
        "摄像机不支持该传输方式：请改用 udp 或 tcp。"
    ),
    "The camera rejects the request.": "摄像机拒绝请求。",
    "The camera has ended the stream.": "摄像机结束了码流。",
    "The camera is connected and sends nothing. It may have crashed.": (
        "已连接但无数据：摄像机可能死机。"
    ),
    "The data is not valid RTSP or RTP. Restart the camera or update its firmware.": (
        "返回内容不符合 RTSP/RTP：请重启摄像机或升级固件。"
    ),
    "RTP packets arrive but form no picture. Check packet loss, or set transport to tcp.": (
        "有 RTP 包但拼不出画面：请检查丢包，或改用 tcp。"
    ),
    "The stream has no video. Choose another path.": "码流中没有视频：请更换路径。",
    "The codec is not supported. Set the camera to H.264 or H.265.": (
        "编码不支持：请改为 H.264 或 H.265。"
    ),
    "No keyframe arrives. Set the keyframe interval to 1 to 2 s.": (
        "长时间无关键帧：请将关键帧间隔设为 1–2 秒。"
    ),
    "Keyframes lack parameter sets (SPS, PPS). Update the firmware.": (
        "关键帧缺少参数集（SPS、PPS）：请升级固件。"
    ),
    "No picture can be decoded. Restart the camera; disable stream encryption.": (
        "画面均无法解码：请重启摄像机，关闭码流加密。"
    ),
    "Keyframes are too far apart. Set the interval to 1 to 4 s.": (
        "关键帧间隔过长：请将间隔设为 1–4 秒。"
    ),
    "The picture does not change at all. Restart the camera.": "画面完全静止：请重启摄像机。",
    "The camera's clock is wrong. Enable time synchronisation in the camera.": (
        "摄像机时钟不准：请启用摄像机校时。"
    ),
    "The clock of the node was set.": "本节点时钟被调整。",
}
