"""Why live video by WebRTC or by WebSocket fails, in Chinese."""

from __future__ import annotations

LIVE: dict[str, str] = {
    "{limit_reached}, through this API process; close one of them": (
        "{limit_reached}（经本进程），请先关闭其中一路"
    ),
    "{person} has {most_views} live views open already": (
        "{person} 已打开 {most_views} 路实时视频"
    ),
    "{camera} has {most_viewers} viewers already": ("{camera} 已有 {most_viewers} 路观看"),
    "live video needs a WebSocket; the request is valid and the person may watch the camera": (
        "实时视频需要 WebSocket；请求有效，且可以观看该摄像机"
    ),
    'a message of a client is {"stream": "main"} or {"stream": "sub"}': (
        '客户端消息须为 {"stream": "main"} 或 {"stream": "sub"}'
    ),
    "a message of a client is text, and this one is binary": "客户端消息须为文本，而此消息为二进制",
    "a software fault: {kind}": "软件故障：{kind}",
    "the media process, which sends WebRTC, ended before it answered; the site starts it again "
    "within seconds, and its log says why": (
        "发送 WebRTC 的媒体进程未应答即已结束；系统将在数秒内重新启动它，原因见其日志"
    ),
    "the media process, which sends WebRTC, has ended; open the camera again": (
        "发送 WebRTC 的媒体进程已结束，请重新打开摄像机"
    ),
    "this site serves no WebRTC (SIGHTLINE_WEBRTC=0)": "本站未启用 WebRTC（SIGHTLINE_WEBRTC=0）",
    "the media process, which sends WebRTC, does not run here: {reason}": (
        "发送 WebRTC 的媒体进程未在此运行：{reason}"
    ),
    "the media process, which sends WebRTC, does not answer": "发送 WebRTC 的媒体进程无应答",
    "API and media process are of different versions": "API 与媒体进程的版本不同",
    "the certificate of the viewer is not the one that its offer names": (
        "观看端的证书与其 offer 所列不符"
    ),
    "the viewer has no protection profile of SRTP that this server has": (
        "观看端与本服务器没有共同的 SRTP 保护配置"
    ),
    "the viewer does not finish the DTLS handshake: {error}": "观看端未完成 DTLS 握手：{error}",
    "the DTLS connection cannot be closed: {error}": "无法关闭 DTLS 连接：{error}",
    "the DTLS handshake failed: {error}": "DTLS 握手失败：{error}",
    "the viewer did not connect by UDP; if its network blocks that, use the WebSocket of the "
    "camera "
    "instead": "观看端未能以 UDP 连接；若其网络禁止 UDP，请改用 WebSocket",
    "this host serves {max_sessions} viewers by WebRTC already": (
        "本机已有 {max_sessions} 路 WebRTC 观看"
    ),
    "this node sends {max_streams} live streams already; close one, or raise "
    "SIGHTLINE_LIVE_STREAMS_PER_NODE": (
        "本节点已在发送 {max_streams} 路实时码流；请关闭其一，或提高 "
        "SIGHTLINE_LIVE_STREAMS_PER_NODE"
    ),
    "this node sends the detections of {most} cameras already; close one, or raise "
    "SIGHTLINE_LIVE_STREAMS_PER_NODE": (
        "本节点已在发送 {most} 台摄像机的检测结果；请关闭其一，或提高 "
        "SIGHTLINE_LIVE_STREAMS_PER_NODE"
    ),
    "an API process does not send {type}": "API 进程不会发送 {type}",
    "RTCP before the end of the handshake": "握手结束前收到 RTCP",
    "camera {camera} has no session {session} of yours": "您在摄像机 {camera} 没有会话 {session}",
    "the session has other credentials of ICE now; send its ETag, or *": (
        "该会话的 ICE 凭据已更改；请发送其 ETag 或 *"
    ),
    # the video
    "camera {camera} sent no keyframe within {picture_within_s} s": (
        "摄像机 {camera} 在 {picture_within_s} 秒内未发送关键帧"
    ),
    "camera {camera} sends B-frames, which WebRTC cannot show; switch off B-frames in the video "
    "settings of the camera, or choose its Baseline profile": (
        "摄像机 {camera} 发送 B 帧，WebRTC 无法显示；请在摄像机视频设置中关闭 B 帧，或选择 Baseline"
    ),
    "camera {camera} sends {codec}, and browsers receive only H.264 by WebRTC; set the video codec "
    "of the camera, or of its sub-stream, to H.264": (
        "摄像机 {camera} 发送 {codec}，而浏览器经 WebRTC 只接收 H.264；请将主码流或子码流的编码设"
        "为 H.264"
    ),
    "a picture of camera {camera} is empty": "摄像机 {camera} 的一帧画面为空",
    "a NAL unit of a live picture is cut off": "实时画面的 NAL 单元不完整",
    # the sound
    "camera {camera} sent no sound within {sound_within_s} s": (
        "摄像机 {camera} 在 {sound_within_s} 秒内未发送声音"
    ),
    "camera {camera} sends no sound that can be passed on; switch on its microphone in the "
    "settings "
    "of the camera, and choose G.711 or AAC": (
        "摄像机 {camera} 没有可传送的声音；请在摄像机设置中开启麦克风，并选择 G.711 或 AAC"
    ),
    "camera {camera} sends its sound as {encoding}, which the SDP offer does not have; send an "
    "offer with a section of audio that receives (a=recvonly) with {codecs}, in the same BUNDLE as "
    "the video": (
        "摄像机 {camera} 的声音为 {encoding}，而 SDP offer 中没有；"
        "请在与视频相同的 BUNDLE 中加入接收 {codecs} 的音频段（a=recvonly）"
    ),
    "a packet of the sound of camera {camera} is empty": "摄像机 {camera} 的一个声音数据包为空",
    "camera {camera} sends its sound as {codec}, and browsers receive only G.711 by WebRTC; listen "
    "by the WebSocket, or choose G.711 in the settings of the camera": (
        "摄像机 {camera} 的声音为 {codec}，而浏览器经 WebRTC 只接收 G.711；"
        "请改用 WebSocket 收听，或在摄像机设置中选择 G.711"
    ),
    "camera {camera} sends G.711 of {clock_hz} Hz with {channels} channels, and browsers receive "
    "only 8000 Hz with one; change the audio settings of the camera": (
        "摄像机 {camera} 发送 {clock_hz} Hz、{channels} 声道的 G.711，而浏览器只接收 8000 Hz 单声"
        "道；"
        "请更改摄像机的音频设置"
    ),
    # the SDP of a client
    "the body is no SDP: it has characters beyond ASCII": "正文不是 SDP：含有非 ASCII 字符",
    "the body is no SDP offer: it does not begin with v=0": "正文不是 SDP offer：不以 v=0 开头",
    "the SDP offer cannot be read ({kind}: {error}); send the one that "
    "RTCPeerConnection.createOffer() returns": (
        "无法识别 SDP offer（{kind}：{error}）；请发送 RTCPeerConnection.createOffer() 的结果"
    ),
    "the SDP offer has more than {max_lines} lines": "SDP offer 超过 {max_lines} 行",
    "an SDP offer has 1 to {max_sections} media sections": (
        "SDP offer 须有 1 至 {max_sections} 个媒体段"
    ),
    "the SDP offer has a name that is no token": "SDP offer 中有不合规的名称",
    "the SDP offer has no section of video that receives (a=recvonly)": (
        "SDP offer 没有接收视频的媒体段（a=recvonly）"
    ),
    "the SDP offer must have a=setup:actpass or a=setup:active": (
        "SDP offer 须有 a=setup:actpass 或 a=setup:active"
    ),
    "the SDP offer has no a=fingerprint of sha-256, sha-384 or sha-512": (
        "SDP offer 没有 sha-256、sha-384 或 sha-512 的 a=fingerprint"
    ),
    "the SDP offer must have a=rtcp-mux: video has one port": "SDP offer 须有 a=rtcp-mux",
    "the SDP offer has no H.264 with packetization-mode=1, which is the only form that cameras are "
    "shown in by WebRTC; the WebSocket of the camera needs none": (
        "SDP offer 没有 packetization-mode=1 的 H.264，WebRTC 只以此形式显示摄像机；"
        "摄像机的 WebSocket 无此要求"
    ),
    "a profile-level-id in the SDP offer is not six hexadecimal digits": (
        "SDP offer 中的 profile-level-id 不是六位十六进制数"
    ),
    "the fragment has only one of a=ice-ufrag and a=ice-pwd; send both": (
        "SDP 片段只有 a=ice-ufrag 与 a=ice-pwd 之一，请同时发送"
    ),
}
