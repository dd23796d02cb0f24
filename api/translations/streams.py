"""Why a camera gives no video, and the details of gaps in recordings, in Chinese."""

from __future__ import annotations

STREAM_SENTENCES: dict[str, str] = {
    # the connection
    "the connection failed: {reason}": ("连接中断：{reason}"),
    "no connection can be made: {reason}": ("无法建立连接：{reason}"),
    "{address}:{port} cannot be reached: {reason}": ("无法连接 {address}:{port}：{reason}"),
    "{address}:{port} did not answer within {timeout_s} s": (
        "{address}:{port} 在 {timeout_s} 秒内无应答"
    ),
    "the camera's address is none": ("摄像机地址无效"),
    "the camera ended the connection": ("摄像机断开了连接"),
    "the camera ended the stream": ("摄像机结束了码流"),
    "the camera takes nothing": ("摄像机不接收数据"),
    "the camera said nothing for {timeout_s} s": ("摄像机 {timeout_s} 秒无数据"),
    "no video arrived for {timeout_s} s": ("{timeout_s} 秒未收到视频"),
    "no pair of UDP ports is free between {first} and {last}": (
        "{first} 至 {last} 之间没有空闲的 UDP 端口对"
    ),
    # TLS
    "the TLS handshake failed: {reason}": ("TLS 握手失败：{reason}"),
    "it is not the one in the registry": "与登记表中的不一致",
    "it expired on {day}": "已于 {day} 过期",
    "the camera sent no certificate": ("摄像机未发送证书"),
    "the camera ended the TLS handshake": ("摄像机中断了 TLS 握手"),
    "the camera did not finish the TLS handshake within {timeout_s} s": (
        "摄像机在 {timeout_s} 秒内未完成 TLS 握手"
    ),
    "the camera's certificate{fingerprint} is not trusted: {reason}; compare its SHA-256 at the "
    "camera and write it into the registry as  tls: {sha256: …}, or name its authority": (
        "摄像机证书{fingerprint}不受信任：{reason}；请在摄像机上核对其 SHA-256，在登记表中写  "
        "tls: {sha256: …}，或写明其签发机构"
    ),
    "{ca_file}, the file with the camera's authority, cannot be read on this node": (
        "本节点无法读取签发机构文件 {ca_file}"
    ),
    # RTSP
    "the camera asks for the password without encryption (basic authentication), so it is not "
    "sent; enable digest authentication or rtsps at the camera, or accept that with  "
    "basic_in_clear: true": (
        "摄像机要求以明文发送密码（基本认证），因此未发送；请在摄像机上启用摘要认证或 rtsps，"
        "或在登记表中写 basic_in_clear: true 表示接受"
    ),
    "user and password together are too long for RTSP (127 bytes, and reserved characters "
    "count three)": ("用户名与密码合计过长（RTSP 限 127 字节，保留字符按三字节计）"),
    "the camera requires a user name and a password; write the name of a secret under "
    "`credentials`": ("摄像机要求用户名和密码；请在登记表的 `credentials` 中填写凭据名称"),
    "the camera refuses the user name or password": ("摄像机拒绝用户名或密码"),
    "the camera has no stream under this path (404)": ("该路径没有码流（404）"),
    "the camera refuses the request ({reason})": ("摄像机拒绝请求（{reason}）"),
    "the camera refuses the request ({method}: {status})": ("摄像机拒绝请求（{method}：{status}）"),
    "the camera describes no stream": ("摄像机的描述中没有码流"),
    "the camera gave up the session (454)": ("摄像机上的会话已不存在（454）"),
    "the camera's answer is not RTSP": ("摄像机的应答不是 RTSP"),
    "the camera's answer is not RTSP, or its description of the stream is broken": (
        "摄像机的应答不是 RTSP，或码流描述有误"
    ),
    "the camera's answer is longer than {kib} KiB": ("摄像机的应答超过 {kib} KiB"),
    "the camera redirects to another address; write that one into the registry": (
        "摄像机要求改连其他地址，请将该地址写入登记表"
    ),
    "the camera does not send the way the registry says; write another `transport` there": (
        "摄像机不按登记表的方式传输，请更改 `transport`"
    ),
    "the camera does not send over TCP; write `transport: udp` into the registry": (
        "摄像机不支持 TCP 传输，请在登记表中写 `transport: udp`"
    ),
    "the camera names the same channels for its sound as for its video": (
        "摄像机为声音指定了与视频相同的通道"
    ),
    "the camera does not send over UDP; write `transport: tcp` into the registry": (
        "摄像机不支持 UDP 传输，请在登记表中写 `transport: tcp`"
    ),
    # the ledger
    "the camera's video encoder may hang: restart it": ("摄像机的视频编码器可能已停滞，请重新启动"),
    "no picture arrived for {timeout_s} s": ("{timeout_s} 秒未收到画面"),
    "{silence}, though RTP packets do: {received}": ("{silence}，但收到 RTP 数据包：{received}"),
    "none of {packets} packets completes a picture": ("{packets} 个数据包未组成任何画面"),
    "{foreign_packets} of {packets} have another payload type than the description says": (
        "{packets} 个中有 {foreign_packets} 个的负载类型与描述不符"
    ),
    "{packets} packets made {broken_pictures} broken pictures and no whole one": (
        "{packets} 个数据包组成了 {broken_pictures} 幅残缺画面，没有完整画面"
    ),
    "{silence}, but {garbage_bytes} bytes that are neither RTSP nor RTP": (
        "{silence}，但收到 {garbage_bytes} 字节既非 RTSP 也非 RTP 的数据"
    ),
    "{silence}, but {strange_packets} datagrams from another address than the camera's; write "
    "`transport: tcp` into the registry": (
        "{silence}，但从其他地址收到 {strange_packets} 个数据报；请在登记表中写 `transport: tcp`"
    ),
    "{silence}, though sound does; {encoder}": ("{silence}，但收到声音；{encoder}"),
    "{silence}, though reports (RTCP) do; {encoder}, or raise SIGHTLINE_SOURCE_TIMEOUT_S where "
    "it sends a picture less often": (
        "{silence}，但收到报告（RTCP）；{encoder}，若其发送画面的间隔更长，请提高 "
        "SIGHTLINE_SOURCE_TIMEOUT_S"
    ),
    "the camera sends video, but did not answer within {timeout_s} s": (
        "摄像机发送视频，但在 {timeout_s} 秒内无应答"
    ),
    "the camera answers with what is not RTSP ({garbage_bytes} bytes of it)": (
        "摄像机的应答不是 RTSP（{garbage_bytes} 字节）"
    ),
    "the camera's answer did not end within {timeout_s} s ({pending_bytes} bytes of it arrived)": (
        "摄像机的应答在 {timeout_s} 秒内未结束（已收到 {pending_bytes} 字节）"
    ),
    "the camera sends {codec}; set it to H.264 or H.265": (
        "摄像机发送 {codec}；请设为 H.264 或 H.265"
    ),
    "the camera's stream has no video": ("摄像机的码流没有视频"),
    "the codec of the camera is unknown; set it to H.264 or H.265": (
        "摄像机的编码未知；请设为 H.264 或 H.265"
    ),
    "the camera redirects to an address that cannot be followed; write the right one into the "
    "registry": ("摄像机要求改连的地址不可用；请将正确的地址写入登记表"),
    "{host} ({addresses}) is outside `networks` of the registry": (
        "{host}（{addresses}）不在登记表的 `networks` 内"
    ),
    "the name {host} cannot be resolved: {reason}": ("无法解析名称 {host}：{reason}"),
    "camera {camera} sends no parameter sets, so that its video can be neither recorded nor "
    "decoded": ("摄像机 {camera} 不发送参数集，其视频既不能录像也不能解码"),
    "a software fault of Sightline: {kind}": ("Sightline 软件故障：{kind}"),
    # the health of a camera
    "{silence}: {reason}": ("{silence}：{reason}"),
    "camera {camera} gives no video for {silence_s} s": (
        "摄像机 {camera} 已 {silence_s} 秒没有视频"
    ),
    "camera {camera} gives no sound for {silence_s} s": (
        "摄像机 {camera} 已 {silence_s} 秒没有声音"
    ),
    "none of the camera's pictures can be decoded: they are recorded as they come; restart the "
    "camera, look for loss on the way, and turn off encryption or a vendor's own coding": (
        "摄像机的画面均无法解码，仍按原样录像；请重启摄像机，检查传输丢包，并关闭加密或厂商私有编码"
    ),
    "the picture does not change at all, not even by noise: the camera's sensor or encoder may "
    "hang; restart it": ("画面完全不变，连噪点也没有：摄像机的传感器或编码器可能已停滞，请重启"),
    "set the camera's keyframe interval (GOP) to 1 to 4 s": (
        "请将摄像机的关键帧间隔（GOP）设为 1 至 4 秒"
    ),
    "no keyframe arrived for {silent_s} s; {advice}": ("{silent_s} 秒未收到关键帧；{advice}"),
    "keyframes are {interval_s} s apart: the live view and clips start that late; {advice}": (
        "关键帧间隔 {interval_s} 秒，实时画面和视频片段会相应延迟开始；{advice}"
    ),
    "keyframes are more than {interval_s} s apart: the live view and clips start that late; "
    "{advice}": ("关键帧间隔超过 {interval_s} 秒，实时画面和视频片段会相应延迟开始；{advice}"),
    "the camera's clock is {skew} ahead of this node's: recorded under the node's time; turn "
    "on the camera's NTP": (
        "摄像机的时钟比本节点快 {skew}，录像采用节点时间；请启用摄像机的 NTP 校时"
    ),
    "the camera's clock is {skew} behind this node's: recorded under the node's time; turn on "
    "the camera's NTP": (
        "摄像机的时钟比本节点慢 {skew}，录像采用节点时间；请启用摄像机的 NTP 校时"
    ),
    "keyframes come without their parameter sets ({lacking_sets} are neither in the "
    "description nor in the stream): have the camera send them with each keyframe; restart it "
    "or update its firmware": (
        "关键帧缺少参数集（描述和码流中均无 {lacking_sets}）；请让摄像机随每个关键帧发送，重启或"
        "升级固件"
    ),
    "the parameter sets of the camera's keyframes cannot be read: set another profile or "
    "resolution, or update its firmware": (
        "无法识别摄像机关键帧的参数集；请更改档次或分辨率，或升级固件"
    ),
    "this machine's clock was set forward by {by_s} s, from {start} to {end}": (
        "本机时钟被调快 {by_s} 秒，由 {start} 改为 {end}"
    ),
    "this machine's clock was set back by {by_s} s, from {start} to {end}": (
        "本机时钟被调慢 {by_s} 秒，由 {start} 改为 {end}"
    ),
    # gaps of a recording
    "the process that looks after the camera was not running, or had just started": (
        "负责该摄像机的进程未运行，或刚刚启动"
    ),
    "packets were lost on the way": ("数据包在传输中丢失"),
    "no recording was requested": ("未要求录像"),
    "given up, since the disk was full": ("因磁盘已满而放弃录像"),
    "given up under pressure of the processor": ("因处理器过载而放弃录像"),
    "the file {name} is there and holds no picture": ("文件 {name} 存在，但没有画面"),
    "what is stored differs from its SHA-256 and is not sent; restore the segment from a "
    "backup if there is one": ("存储的内容与其 SHA-256 不符，不予发送；若有备份，请恢复该录像段"),
    "recordings are kept for {days} days": ("录像保存 {days} 天"),
    "nothing is known of it before {first}": ("{first} 之前的情况不明"),
    "the camera is switched off in the registry": ("该摄像机在登记表中已停用"),
    "no process looks after the camera": ("没有进程负责该摄像机"),
    "the camera is no longer in the registry since {left}": ("该摄像机自 {left} 起已不在登记表中"),
    "no trigger asked for it": ("没有触发，无需录像"),
    "it was recorded, and deleted when its time was over or the disk was full": (
        "曾有录像，到期或因磁盘已满被清除"
    ),
    "{offline}, which may have it, does not answer": ("{offline} 可能存有该录像，但无应答"),
}
