"""The sentences of alarms in Chinese: what is wrong and what to do."""

from __future__ import annotations

ALARMS: dict[str, str] = {
    "ask a person who may see the whole site": "请询问可查看全站的人员",
    # disks and stores
    "the data folder is not writable and nothing is recorded ({reason}): check the disk "
    "and mount it "
    "writable": "数据目录不可写，未在录像（{reason}）：请检查磁盘并以可写方式挂载",
    "recordings cannot be kept within their limit: {error}": "无法将录像控制在限额内：{error}",
    "recordings younger than their `retention_days` are deleted to make room: give the disk more "
    "space": "为腾出空间，未满 `retention_days` 的录像正被清除：请扩大磁盘空间",
    "the disk is too full by {lacking_gb} GB, and no finished recording is left to delete": (
        "磁盘空间尚缺 {lacking_gb} GB，且没有可清除的完整录像"
    ),
    "the disk is too full by {lacking_gb} GB, and no finished recording is left to delete; cameras "
    "are not recorded, the least important first, so that events can still be written": (
        "磁盘空间尚缺 {lacking_gb} GB，且没有可清除的完整录像；"
        "为保证事件可以写入，摄像机按重要性由低到高停止录像"
    ),
    "only recordings that legal holds name are left to delete, and they stay: give the disk more "
    "space": "可清除的只剩依法留存的录像，不予清除：请扩大磁盘空间",
    "recordings wait on their nodes, give the object store more space: {refusal}": (
        "录像滞留在节点上，请扩大对象存储空间：{refusal}"
    ),
    "recordings have waited {waited_h} h to be uploaded, since {oldest}; they exist only on the "
    "disk of this node: check the object store and the network": (
        "录像自 {oldest} 起已等待上传 {waited_h} 小时，仅存于本节点磁盘：请检查对象存储和网络"
    ),
    "unavailable for {minutes} minutes: {error}": "已 {minutes} 分钟不可用：{error}",
    "expired data is not deleted: {reason}": "到期数据未被清除：{reason}",
    "put the right store back, or accept the loss with `sightline index rebuild --force`": (
        "请恢复正确的存储，或运行 `sightline index rebuild --force` 接受丢失"
    ),
    "{site_object} in the object store cannot be read, so it may be another store: {remedy}": (
        "无法读取对象存储中的 {site_object}，可能是另一个存储：{remedy}"
    ),
    "the object store is not the one that this site used: it has no {site_object}; {remedy}": (
        "对象存储不是本站使用过的：其中没有 {site_object}；{remedy}"
    ),
    "the object store belongs to site {stored_site}, and this node to {local_site}; {remedy}": (
        "对象存储属于站点 {stored_site}，而本节点属于 {local_site}；{remedy}"
    ),
    "Redis holds the index of site {indexed_site}, and the object store is of another: "
    "run `sightline "
    "index rebuild` if the store is right": (
        "Redis 中是站点 {indexed_site} 的索引，而对象存储属于另一站点："
        "若对象存储正确，请运行 `sightline index rebuild`"
    ),
    "Redis was emptied: it lacks the people and events that the object store has; run `sightline "
    "index rebuild`, and tokens work again": (
        "Redis 已被清空，缺少对象存储中的人员和事件；"
        "请运行 `sightline index rebuild`，令牌即可恢复使用"
    ),
    # readiness
    "{node}: {sentence}": "{node}：{sentence}",
    "Redis does not answer": "Redis 无应答",
    "the object store does not answer for its bucket": "对象存储无应答，或没有本站的存储桶",
    "the identity provider has not answered yet": "身份提供方尚未应答",
    # cameras and analysis
    "{down_count} of {camera_count} cameras have delivered no video for {minutes} minutes or more: "
    "{cameras}{more}": (
        "{camera_count} 台摄像机中有 {down_count} 台已 {minutes} 分钟以上没有视频：{cameras}{more}"
    ),
    "no registry runs, so how long anything is to be kept is not known": (
        "没有生效的登记表，因此保存期限不明"
    ),
    "this node can analyse {capacity} checkpoint cameras with the traffic of now; it has {count}, "
    "and misses passings, most at {cameras}: move checkpoints to another node, or give this one "
    "more cores": (
        "以目前的车流，本节点可分析 {capacity} 台卡口摄像机，现有 {count} 台，正在漏检，"
        "以 {cameras} 最多：请将卡口移至其他节点，或增加处理器核心"
    ),
    "the analysis of {count} checkpoint cameras does not respond or fails, so their passings are "
    "missed: {cameras}{more}; read the log of the node, and restart the node when a short gap in "
    "its recordings is acceptable": (
        "{count} 台卡口摄像机的分析无响应或失败，正在漏检：{cameras}{more}；"
        "请查看节点日志，并在允许录像短暂中断时重启该节点"
    ),
    "{step}: correct the time source (NTP) of the node": "{step}：请更正该节点的时间源（NTP）",
    "{count} files of events or fragments of recordings do not match their SHA-256 and are not "
    "served, most recently {newest}: restore them from a backup; `sightline storage check` lists "
    "all files of events": (
        "有 {count} 个事件文件或录像分片与其 SHA-256 不符，不予提供，最近一个为 {newest}："
        "请从备份恢复；`sightline storage check` 列出所有事件文件"
    ),
    # the audit log, people and the access policy
    "the audit log cannot be read, so every look and change may be refused: {reason}": (
        "无法读取审计日志，查阅与更改可能均被拒绝：{reason}"
    ),
    "the audit log takes {percent}% of SIGHTLINE_AUDIT_LIMIT_GB; at 100% every look and change is "
    "refused: copy its oldest days elsewhere and delete them here, or raise the limit": (
        "审计日志已占 SIGHTLINE_AUDIT_LIMIT_GB 的 {percent}%；达到 100% 后一切查阅与更改都将被拒"
        "绝："
        "请将最早的日志另行保存后在此删除，或提高上限"
    ),
    "audit lines since {since} exist only on this machine: check the object store, and the log for "
    "what refuses them": "自 {since} 起的审计记录仅存于本机：请检查对象存储，拒绝原因见日志",
    "audit lines since {since} were not sent to the syslog receiver: check the receiver and "
    "SIGHTLINE_SYSLOG": (
        "自 {since} 起的审计记录未发送到 syslog 接收端：请检查接收端和 SIGHTLINE_SYSLOG"
    ),
    "{count} emergency accesses wait for a review: a person with the right `approvals` lists them "
    "by GET /v1/emergencies and reviews each": (
        "有 {count} 次紧急查阅待复核：请由有 `approvals` 权限的人员逐一复核"
    ),
    "{count} records of people in Redis are not authentic and grant nothing: {names}; find out "
    "what "
    "wrote them, then run  sightline index rebuild  and  sightline user list": (
        "Redis 中有 {count} 条人员记录未通过校验，不授予任何权限：{names}；"
        "请查明写入者，再运行 sightline index rebuild 和 sightline user list"
    ),
    "{failures} sign-ins have failed within {minutes} minutes: passwords may be tried out; read "
    "the "
    "lines session.sign_in of the audit log for names and addresses, and block those addresses in "
    "front of the site": (
        "{minutes} 分钟内有 {failures} 次登录失败，可能有人在试探密码；"
        "请查看审计日志中的 session.sign_in，并在站点前端封禁这些地址"
    ),
    "the policy file has {count} faults, so the last valid policy stays in force; correct it, and "
    "check it with  sightline policy check: {faults}": (
        "策略文件有 {count} 处错误，继续沿用上一份有效策略；"
        "请更正，并运行 sightline policy check 检查：{faults}"
    ),
    "the policy file has {count} faults, so every recorded call needs a reason, an open case and "
    "an "
    "approval; correct it, and check it with  sightline policy check: {faults}": (
        "策略文件有 {count} 处错误，因此一切留痕操作都需要事由、未结案件和批准；"
        "请更正，并运行 sightline policy check 检查：{faults}"
    ),
}
