"""The messages of problems that people read in the console, in Chinese, by their templates."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # cameras, recordings and live video
    "no node is connected to this camera, so there is no video": (
        "没有节点连接此摄像机，因此没有画面"
    ),
    "no node that has recordings of {camera} answers, and the object store knows nothing of "
    "that time": ("保存 {camera} 录像的节点均无应答，对象存储中也没有该时段的录像"),
    "{offline}, which may have recordings of {camera}, does not answer": (
        "节点 {offline} 可能存有 {camera} 的录像，但无应答"
    ),
    "{file} of this event is not uploaded yet, and no node holds {camera}": (
        "该事件的 {file} 尚未上传，且没有节点负责 {camera}"
    ),
    "{node}, the node that holds this camera, sends detections in another form; is it of "
    "another version?": ("负责该摄像机的节点 {node} 发送的检测结果格式不符，版本可能不同"),
    "{node}, the node that holds this camera, ended the stream": (
        "负责该摄像机的节点 {node} 结束了码流"
    ),
    "{node}, the node that holds this camera, is being stopped or restarted": (
        "负责该摄像机的节点 {node} 正在停止或重启"
    ),
    "{node}, the node that holds this camera, sends live video in another form; is it of "
    "another version?": ("负责该摄像机的节点 {node} 发送的实时视频格式不符，版本可能不同"),
    "{node}, the node that holds this camera, is not reachable by TLS; the log says why": (
        "无法以 TLS 连接负责该摄像机的节点 {node}，原因见日志"
    ),
    "{node}, the node that holds this camera, answers in another form; is it of another version?": (
        "负责该摄像机的节点 {node} 应答格式不符，版本可能不同"
    ),
    "{node}, the node that holds this camera, does not serve this API; the log says why": (
        "负责该摄像机的节点 {node} 拒绝本 API 的请求，原因见日志"
    ),
    "{node} announces an address that is none": ("节点 {node} 公布的地址无效"),
    "{node}, the node that holds this camera, does not answer; what is only there must wait "
    "until it is back": ("负责该摄像机的节点 {node} 无应答；仅存于该节点的内容须待其恢复"),
    "camera {camera} is no longer in the registry since {left}; only what was recorded of it "
    "before can be read": ("摄像机 {camera} 自 {left} 起已不在登记表中，仅可查阅此前的录像"),
    "there is no camera {camera} in the registry; GET /v1/cameras lists all": (
        "登记表中没有摄像机 {camera}"
    ),
    "nothing of {camera} is recorded between {start} and {end}": (
        "{camera} 在 {start} 至 {end} 之间没有录像"
    ),
    "nothing of {camera} is recorded at {at}": ("{camera} 在 {at} 没有录像"),
    "{segment} is no segment of {camera}; use the URLs of a playlist without a change": (
        "{segment} 不是 {camera} 的录像段，请重新打开回放"
    ),
    "{segment} is not in the object store": ("对象存储中没有 {segment}"),
    "{segment} was deleted": ("{segment} 已被清除"),
    "{path} was deleted": ("{path} 已被清除"),
    "{segment} was deleted, or it cannot be read": ("{segment} 已被清除或无法读取"),
    "this ticket is for another time; use the URLs of a playlist without a change": (
        "此播放票据属于其他时段，请重新打开回放"
    ),
    "this ticket is for another range; use its address without a change": (
        "此票据属于其他时段，请重新下载"
    ),
    "this ticket is for another resource; use URLs without a change": (
        "此票据属于其他内容，请重新打开"
    ),
    "{camera} has privacy masks, and its video is not masked; it needs the right `{right}`": (
        "{camera} 设有隐私遮挡，而其视频未经遮挡，需要权限 `{right}`"
    ),
    "detections need the right `{right}`": ("查看检测框需要权限 `{right}`"),
    "{camera} is disabled in the registry, so nothing records it": (
        "{camera} 在登记表中已停用，不会录像"
    ),
    "`triggers` of {camera} in the registry lacks `api`": (
        "登记表中 {camera} 的 `triggers` 不含 `api`"
    ),
    "there is no session {session}: {error}": ("没有实时会话 {session}：{error}"),
    "what is recorded around it is not known: {error}": ("其前后的录像情况不明：{error}"),
    "nor is anything within a day of it": ("前后一天内也没有录像"),
    "what comes before ends at {before} and what comes after begins at {after}": (
        "此前的录像止于 {before}，此后的录像始于 {after}"
    ),
    "what comes before ends at {before}": ("此前的录像止于 {before}"),
    "what comes after begins at {after}": ("此后的录像始于 {after}"),
    # events
    "there is no event {event}": ("没有事件 {event}"),
    # exports
    "the export failed: {reason}": ("导出失败：{reason}"),
    "nothing is recorded in any of its ranges": ("所选时段均没有录像"),
    "an interruption of less than a second, or no keyframe before it": (
        "不足一秒的中断，或此前没有关键帧"
    ),
    "{start} to {end} ({cause})": ("{start} 至 {end}（{cause}）"),
    "the recordings of this export are still being read; try again later": (
        "此导出的录像仍在读取，请稍后重试"
    ),
    "there is no export {export}; GET /v1/exports lists those that you may see": (
        "没有导出 {export}"
    ),
    "the exports of {person} have {open_hours} hours of recordings, this one has {hours}, and one "
    "person may have {most_hours}; delete one that is no longer needed, or export less": (
        "{person} 的导出已有 {open_hours} 小时录像，此次 {hours} 小时，"
        "每人至多 {most_hours} 小时；请"
        "删除旧导出，或减少时长"
    ),
    "{person} has {count} exports; delete one that is no longer needed": (
        "{person} 已有 {count} 个导出，请删除不再需要的导出"
    ),
    # rights, reasons, cases and approvals
    "{person} is {article} {role} without the right `{right}`": (
        "{person}（角色 {role}）没有权限 `{right}`"
    ),
    "{method} {path} is about the whole site, and {person} may see some cameras only": (
        "{method} {path} 涉及全站，而 {person} 只能查看部分摄像机"
    ),
    "{method} {path} is not declared, so it is refused": ("{method} {path} 未经声明，已拒绝"),
    "this site requires a second factor of the role {role}; enrol one by POST "
    "/v1/session/second-factor": ("本站要求角色 {role} 启用双因素验证"),
    "a change with a session cookie needs the header {header} with `csrf_token` of GET "
    "/v1/session": ("会话校验失败（标头 {header}），请重新载入页面"),
    "the access policy of this site allows no emergency access": ("本站的访问策略不允许紧急查阅"),
    "this emergency access was reviewed and found unjustified": ("此次紧急查阅经复核认定为不当"),
    "this request has no person": ("此请求没有对应的人员"),
    "the token, or the right to this call, is no longer valid": ("令牌或此操作的权限已失效"),
    "this request needs a reason: send a header X-Reason, for example `X-Reason: theft "
    "2026-118` (other than Latin letters as UTF-8 or percent-encoded); a browser may bind one "
    "to its session by PATCH /v1/session": ("此操作需要填写事由"),
    "this request needs a case: send a header X-Case with the number of an open case": (
        "此操作需要填写未结案件的编号"
    ),
    "there is no case {number}; a person with the right `evidence` opens it by POST /v1/cases": (
        "没有案件 {number}，须由有 `evidence` 权限的人员新建"
    ),
    "the case {number} is closed; name an open case": ("案件 {number} 已结，请填写未结案件"),
    "the case {number} does not have the form that this site demands: {pattern}": (
        "案件编号 {number} 不符合本站要求的格式：{pattern}"
    ),
    "this request needs the approval of a second person: request it by POST /v1/approvals with "
    "the `call` and the `terms` of `approval`, and repeat this request when it is approved": (
        "此操作需要另一人批准：请提交申请，获批后重试"
    ),
    "{person} lacks the right `{right}`, which the call needs": (
        "{person} 没有此操作所需的权限 `{right}`"
    ),
    "the call is about the whole site, and this person may see some cameras": (
        "此操作涉及全站，而该人员只能查看部分摄像机"
    ),
    "there is no request for approval {approval}; GET /v1/approvals lists those that you may see": (
        "没有审批申请 {approval}"
    ),
    "there is no emergency access {emergency}; GET /v1/emergencies lists all": (
        "没有紧急查阅 {emergency}"
    ),
    "there is no case {case}; GET /v1/cases lists all": ("没有案件 {case}"),
    "{person} has requested this approval, so another person decides": (
        "此申请由 {person} 提交，须由另一人处理"
    ),
    "{name} had this emergency access, so another person reviews it": (
        "此次紧急查阅由 {name} 发起，须由另一人复核"
    ),
    "the request {approval} was decided before, or has expired": ("申请 {approval} 已处理或已过期"),
    "the emergency access {emergency} was reviewed before": ("紧急查阅 {emergency} 已复核"),
    "{person} has {most_waiting} requests for approval that wait; let them be decided first": (
        "{person} 已有 {most_waiting} 项申请待处理，请先等待处理"
    ),
    "{waiting} emergency accesses of {person} wait for a review today; give the same reason "
    "again, or let some be reviewed": (
        "{person} 今日有 {waiting} 次紧急查阅待复核；请沿用原事由，或先行复核"
    ),
    # people and sign-ins
    "{name} cannot change their own role, rights or scope; another person with the right "
    "`{right}` does it, or `sightline user set` on the machine": (
        "{name} 不能更改本人的角色、权限或可见范围；须由另一位有 `{right}` 权限的人员更改"
    ),
    "{name} is the last person with the right `{right}` for the whole site; give it "
    "to another person first": ("{name} 是最后一位拥有全站 `{right}` 权限的人员；请先授予他人"),
    "there is no person {name}; GET /v1/people lists all": ("没有人员 {name}"),
    "{name} has no token {token_name}": ("{name} 没有令牌 {token_name}"),
    "the name {name} is in use; choose another": ("名称 {name} 已被使用，请另选"),
    "there is a case {number} already": ("案件 {number} 已存在"),
    "{name} was changed in the meantime; read it again, then decide": (
        "{name} 已被更改，请重新读取后再决定"
    ),
    "the second factor or the sessions of {record} were changed meanwhile; begin again": (
        "{record} 的双因素验证或会话刚被更改；请重新开始"
    ),
    "the password of {record} was changed meanwhile": ("{record} 的密码刚被更改"),
    "all sessions of {name} were ended in this moment; sign in again": (
        "{name} 的全部会话刚被结束；请重新登录"
    ),
    "a password and a cookie are not sent without TLS: use https, or name the https origin of "
    "the proxy in SIGHTLINE_ORIGINS": ("未加密的连接不能用密码登录，请使用 https"),
    "too many sign-ins from here have failed; a browser in which this person has signed in "
    "before is not delayed by them": (
        "来自此处的登录失败次数过多，请稍后重试；曾登录过的浏览器不受影响"
    ),
    "there is no session {session}; GET /v1/sessions lists those that you may end": (
        "没有会话 {session}"
    ),
    # holds, watches and saved views
    "there is no hold {hold}; GET /v1/holds lists all": ("没有依法留存 {hold}"),
    "there is no watch {watch}; GET /v1/watches lists those that stand": ("没有布控 {watch}"),
    "there is no saved view {view}; GET /v1/saved-views lists all": ("没有布局 {view}"),
    "the hold {hold} has ended, so place a new one": ("留存 {hold} 已结束，请新建"),
    "the watch {watch} has ended, so place a new one": ("布控 {watch} 已结束，请新建"),
    "the hold {hold} has version {version}, not {expected_version}; read it again": (
        "留存 {hold} 已被更改，请重新读取"
    ),
    "the watch {watch} has version {version}, not {expected_version}; read it again": (
        "布控 {watch} 已被更改，请重新读取"
    ),
    "the record has version {version}, not {expected_version}; read it again": (
        "该记录已被更改，请重新读取"
    ),
    "this view has cameras outside of your scope ({hidden_count}), so you cannot change its "
    "tiles; save a new view": (
        "此布局含有您无权查看的摄像机（{hidden_count}），无法更改画面，请另存新布局"
    ),
    "only {maker} and administrators change this view; save a new one instead": (
        "此布局仅 {maker} 与管理员可更改，请另存新布局"
    ),
    # corrections
    "this event's correction is not of version {version} any more: {current}; read it again, "
    "then decide": ("该事件的更正已非版本 {version}：{current}；请重新读取后再决定"),
    "another person is correcting this event at this moment; read it again, then decide": (
        "他人正在更正该事件，请重新读取后再决定"
    ),
    "this event was corrected by another person at the same moment; read it again, then decide": (
        "该事件刚由他人更正，请重新读取后再决定"
    ),
    # the site
    "the audit log cannot be written, so accesses and changes are refused; report this to the "
    "administrator of the site": ("审计日志无法写入，因此拒绝查阅与更改，请报告本站管理员"),
    "the audit log cannot be written: {reason}": ("审计日志无法写入：{reason}"),
    "the index does not respond, so searches are not possible; retry in a few seconds": (
        "索引无应答，暂时无法检索，请几秒后重试"
    ),
    "the object store does not respond; searches still work, and this file will be available "
    "when the store responds again": ("对象存储无应答；检索仍可使用，此文件待其恢复后可用"),
    "the error is in the log under the id of this request; report the id to the administrator "
    "of the site": ("错误已按此请求的编号记入日志，请将编号告知本站管理员"),
    # storage and files
    "{first}, {rest}": ("{first}、{rest}"),
    "the whole record": ("整条记录"),
    ", and {count} more faults": ("，另有 {count} 处错误"),
    "{error}; {nearest}": ("{error}；{nearest}"),
    "the export was deleted; create a new one": ("该导出已删除，请新建导出"),
    "the export has expired; create a new one": ("该导出已过期，请新建导出"),
    "{camera} lacks {spans}{more} since it was read; create a new export of what is left": (
        "{camera} 自读取后缺少 {spans}{more}；请将其余录像新建导出"
    ),
    " and {count} more": (" 等，另有 {count} 项"),
    "the recording of {camera} from {start} to {end} is no longer the one that was read and "
    "hashed; create a new export of what is left": (
        "{camera} 自 {start} 至 {end} 的录像已不是读取并计算哈希时的内容；请将其余录像新建导出"
    ),
    "{file} is {size_bytes} bytes long, and a request has at most {most_ranges} ranges": (
        "{file}长 {size_bytes} 字节，一次请求至多 {most_ranges} 段"
    ),
    "the recording": ("录像"),
    "the export": ("导出文件"),
    "the range has {size_gb} GB in the object store that were not read before, and one "
    "request reads at most {most_gb} GB; request it in parts": (
        "该时段在对象存储中有 {size_gb} GB 未读取过的录像，一次请求至多读取 "
        "{most_gb} GB；请分段请求"
    ),
    "the range has more than {most_millions} million pictures and pieces of sound; request it "
    "in parts": ("该时段的画面和声音超过 {most_millions} 百万个，请分段请求"),
    "the recording of {camera} at {at} is damaged; request the picture of another moment": (
        "{camera} 在 {at} 的录像已损坏，请选择其他时刻的画面"
    ),
    "fragment {fragment} of {segment} differs from its SHA-256 and is not sent": (
        "{segment} 的分片 {fragment} 与其 SHA-256 不符，不予发送"
    ),
    "{segment} was replaced in the object store since it was listed": (
        "{segment} 在列出后于对象存储中被替换"
    ),
    "{segment} was changed on {node} since it was listed": (
        "{segment} 在列出后于节点 {node} 上被更改"
    ),
    "{segment} has {size_bytes} bytes, which no segment has": (
        "{segment} 有 {size_bytes} 字节，不可能是录像段"
    ),
    "{segment} is damaged and is not sent": ("{segment} 已损坏，不予发送"),
    "the head of {segment} was changed since it was listed": ("{segment} 的文件头在列出后被更改"),
    "{segment} is shorter than when it was listed": ("{segment} 比列出时短"),
    "more than {most_damaged} fragments of {camera} are damaged; run `sightline storage check "
    "--deep`": (
        "{camera} 损坏的分片超过 {most_damaged} 个；请运行 `sightline storage check --deep`"
    ),
    "the range of {camera} has {count} gaps, and an export has at most {most_gaps} of one "
    "range; export it in shorter ranges": (
        "{camera} 的时段有 {count} 处缺口，一个时段至多 {most_gaps} 处；请缩短时段导出"
    ),
    "the coding of {camera} changes more than {most_codings} times in one range; export it in "
    "shorter ranges": ("{camera} 的编码在一个时段内变化超过 {most_codings} 次；请缩短时段导出"),
    "the export cannot be written: {reason}": ("无法写入导出：{reason}"),
    "this event has no clip: {reason}": ("该事件没有视频片段：{reason}"),
    "the recording is damaged": ("录像已损坏"),
    "nothing was recorded": ("没有录像"),
    "the clip is cut once its last seconds are recorded; ask again in a moment": (
        "视频片段将在最后几秒录完后生成，请稍后再试"
    ),
    "the clip is {size_bytes} bytes long": ("视频片段长 {size_bytes} 字节"),
    "the body did not arrive within {timeout_s} s": ("正文未在 {timeout_s} 秒内到达"),
    "the console has no file {name}; load the page again": (
        "控制台没有文件 {name}，请重新载入页面"
    ),
    "this site has no map file; SIGHTLINE_MAP_FILE names one": (
        "本站没有地图文件；可由 SIGHTLINE_MAP_FILE 指定"
    ),
    "the map file {path} is damaged: {error}": ("地图文件 {path} 已损坏：{error}"),
    "{record} was written by a newer version of Sightline; upgrade this installation to read it": (
        "{record} 由更新版本的 Sightline 写入；请升级本系统后读取"
    ),
    "{record} cannot be read: {field}: {fault}{more}": (
        "无法读取 {record}：{field}：{fault}{more}"
    ),
    "{count} legal holds cannot be read, so retention deletes nothing. Repair each object, or "
    "release the hold (`DELETE /v1/holds/ID`) and place it again: {objects}": (
        "有 {count} 项依法留存无法读取，因此不会清除任何内容。请修复各对象，或解除后重新留存："
        "{objects}"
    ),
    "a hold's `from` must lie before its `to`": ("留存的 `from` 须早于 `to`"),
    "the hold {hold} was written and cannot be read again, so it is not in force; run "
    "`sightline storage check`, then place it again": (
        "留存 {hold} 已写入但无法读回，因此未生效；请运行 `sightline storage check` 后重新留存"
    ),
    "the legal holds cannot be read, and never were on this node: {error}": (
        "无法读取依法留存，本节点也从未读取过：{error}"
    ),
    "the hold {hold} changes all the time; try again": ("留存 {hold} 不断被更改，请重试"),
    "the record {record} changes all the time; try again": ("记录 {record} 不断被更改，请重试"),
    "the session is changed by other requests; send this one again": (
        "会话正被其他请求更改，请重新发送"
    ),
    "the first request with this Idempotency-Key has not ended; wait for it": (
        "使用此 Idempotency-Key 的第一个请求尚未结束，请等待"
    ),
    "the Idempotency-Key has expired in this moment; send it again": (
        "Idempotency-Key 刚刚过期，请重新发送"
    ),
    "the record of this Idempotency-Key cannot be read; use another key": (
        "无法读取此 Idempotency-Key 的记录，请使用其他键"
    ),
    "another request has had this Idempotency-Key; use a key only once": (
        "此 Idempotency-Key 已被其他请求使用，每个键只能使用一次"
    ),
    "the audit log has reached {used_part} of its limit (SIGHTLINE_AUDIT_LIMIT_GB), and no "
    "look or change goes unrecorded; an administrator must restore the object store, to which "
    "the log is copied, or raise the limit": (
        "审计日志已达上限（SIGHTLINE_AUDIT_LIMIT_GB）的 {used_part}，而一切查阅与更改均须记录；请"
        "管理员恢复存放日志副本的对象存储，或提高上限"
    ),
    "{name} is not a valid name; {valid_names}": ("{name} 不是有效的名称；{valid_names}"),
    "{name} is not a valid name of a token; {valid_names}": (
        "{name} 不是有效的令牌名称；{valid_names}"
    ),
    "the expiry of a token must be in the future": ("令牌的有效期须在将来"),
    "{name} signs in with the identity provider, so {action} is not possible; add another person "
    "for a program": ("{name} 由身份提供方登录，因此不能{action}；请为程序另建人员"),
    "the new password is little more than the name; choose another": (
        "新密码与用户名过于相近，请另选"
    ),
    "a stored password hash is damaged; set the password again": (
        "已存的密码哈希损坏，请重新设置密码"
    ),
    "the record of {name} is not signed by this site, so it is not used; remove the object, or "
    "sign it with  sightline user sign": (
        "{name} 的记录未经本站签名，不予使用；请移除该对象，或运行 sightline user sign"
    ),
    "{key} holds the record of another person or version": ("{key} 含有另一人员或版本的记录"),
    "{key} is not signed by this site, so it is not used": ("{key} 未经本站签名，不予使用"),
    "{key} holds another record or version": ("{key} 含有另一记录或版本"),
    "the secret of {owner} cannot be decrypted; it was encrypted with another people key, or "
    "was changed": ("无法解密 {owner} 的密文；它由另一人员密钥加密，或已被更改"),
    "{error}; {hint}": ("{error}；{hint}"),
    "is empty; give a plate, or leave the parameter out": ("为空；请填写车牌，或省略此参数"),
}
