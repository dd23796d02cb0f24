"""What is wrong with a parameter, a header or a body of a request, in Chinese."""

from __future__ import annotations

PARAMETERS: dict[str, str] = {
    "{field}: {fault}": "{field}：{fault}",
    "{field}: {fault}; it is {value}": "{field}：{fault}；其值为 {value}",
    "{field}: is missing; this route needs it": "{field}：缺少此参数",
    "{first}; {rest}": "{first}；{rest}",
    "did you mean `{word}`?": "是否指 `{word}`？",
    "known here: {words}": "可用的有：{words}",
    "none is known here": "此处没有可用的名称",
    "is no parameter of {path}; {suggestion}": "不是 {path} 的参数；{suggestion}",
    "there is no {path} here; {suggestion}": "没有地址 {path}；{suggestion}",
    "{path} answers {allowed}, not {method}": "{path} 支持 {allowed}，不支持 {method}",
    "{path} is no WebSocket; send the request without an upgrade": (
        "{path} 不是 WebSocket 地址，请勿请求升级"
    ),
    "the body is not JSON; check its quotes and commas": "正文不是 JSON，请检查引号和逗号",
    "the body is compressed; send it without Content-Encoding": (
        "正文经过压缩，请去掉 Content-Encoding 后发送"
    ),
    "the body is declared as {declared}; send it with `Content-Type: {expected}`": (
        "正文声明为 {declared}，请使用 `Content-Type: {expected}`"
    ),
    "the body is not {form}": "正文不是 {form}",
    "{parameter}: send it once, in a form": "{parameter}：请在表单中发送一次",
    "stands twice; give it once": "出现了两次，请只写一次",
    "is given twice in the body; give it once": "在正文中出现了两次，请只写一次",
    "cannot be used here, because the answer has a secret, which is not stored; send the request "
    "without it": "不能用于此处，因为应答含有不予保存的密文；请去掉后重新发送",
    "must have 1 to 200 visible ASCII characters": "须为 1 至 200 个可见 ASCII 字符",
    "must be the ETag of the resource, or *": "须为该资源的 ETag 或 *",
    "must be 1, or absent": "须为 1，或省略",
    "is no cursor; pass on `next` of the previous page without a change": (
        "不是游标；请原样传入上一页的 `next`"
    ),
    "belongs to a search with other filters; repeat those, or begin again without `next`": (
        "属于筛选条件不同的检索；请使用相同条件，或去掉 `next` 重新开始"
    ),
    "is at most {max_items} for a page; `format=csv` and `format=ndjson` have up to {max_rows} "
    "rows": "每页至多 {max_items}；`format=csv` 与 `format=ndjson` 至多 {max_rows} 行",
    # numbers, times and places
    "must be a number in digits alone, without _": "须为只含数字的数，不能有 _",
    "an underscore is no digit": "下划线不是数字",
    "must lie between 1970 and 9999, such as {example}": (
        "须在 1970 年至 9999 年之间，例如 {example}"
    ),
    "must be a string with a time of RFC 3339, such as {example}": (
        "须为 RFC 3339 时间的字符串，例如 {example}"
    ),
    "must be a time of RFC 3339, such as {example} or {with_offset}": (
        "须为 RFC 3339 时间，例如 {example} 或 {with_offset}"
    ),
    "must be a time of RFC 3339 with a time zone, such as {example} or {with_offset}": (
        "须为带时区的 RFC 3339 时间，例如 {example} 或 {with_offset}"
    ),
    "must come after `from`": "须晚于 `from`",
    "must lie after `from`": "须晚于 `from`",
    "lies {span_s} s after `from`; request at most {longest_s} s": (
        "比 `from` 晚 {span_s} 秒；至多可查询 {longest_s} 秒"
    ),
    "lies more than {most_days} days before `to`; request a shorter range": (
        "比 `to` 早超过 {most_days} 天，请缩短时段"
    ),
    "makes {count} buckets of this time; at most {max_buckets}, so give a longer one or less "
    "time": ("会将该时段分为 {count} 段，至多 {max_buckets} 段；请加大间隔或缩短时段"),
    "is longitude,latitude,metres, as 111.513,32.54,800": (
        "须为 经度,纬度,米，例如 111.513,32.54,800"
    ),
    "is 3 to {most_corners} corners, as 111.5,32.5;111.6,32.5;111.6,32.6": (
        "须为 3 至 {most_corners} 个顶点，例如 111.5,32.5;111.6,32.5;111.6,32.6"
    ),
    "{text} is not a list of numbers": "{text} 不是数的列表",
    "{lon},{lat} is no longitude and latitude in degrees": "{lon},{lat} 不是以度表示的经纬度",
    "must be less than {most} at zoom {zoom}": "在缩放级别 {zoom} 须小于 {most}",
    # plates and events
    "is no event id; an id is 26 digits and capital letters of a ULID, such as {example}": (
        "不是事件编号；编号为 26 位数字和大写字母（ULID），例如 {example}"
    ),
    "must be a whole plate here; find it first with GET /v1/events?plate=…, which takes ? and *": (
        "此处须为完整车牌；请先检索事件，检索时可用 ? 和 *"
    ),
    "{character} is on no plate; use plate characters, ? for one and * for any": (
        "{character} 不会出现在车牌上；请使用车牌字符，? 代表一个字符，* 代表任意多个"
    ),
    "has {count} characters; a plate has 7, and one of new energy or the armed police 8": (
        "有 {count} 个字符；车牌为 7 位，新能源和武警车牌为 8 位"
    ),
    "{character} cannot stand at place {place} of {text}; a plate is a province, a letter, then "
    "letters and digits": (
        "{text} 的第 {place} 位不能是 {character}；车牌由省份简称、一个字母以及字母和数字组成"
    ),
    "needs at least {least_known} known characters": "至少需要 {least_known} 个已知字符",
    "cannot be corrected: this event is of a face": "不能更正：该事件为人脸事件",
    "has wildcards; a correction is a whole plate": "含有通配符；更正须为完整车牌",
    "is null, which takes a correction back; this event has none": (
        "为 null，表示撤销更正；但该事件没有更正"
    ),
    "must be the id of a message of this feed": "须为此事件流中一条消息的编号",
    # reasons and names
    "is {count} characters long; at most {max_characters}": (
        "有 {count} 个字符，至多 {max_characters} 个"
    ),
    "has neither a letter nor a digit; write it in words": "不含文字或数字，请用文字填写",
    "is not UTF-8; send it as UTF-8 or percent-encoded": "不是 UTF-8；请以 UTF-8 或百分号编码发送",
    "holds control characters; write it on one line": "含有控制字符，请写成一行",
    "holds control characters that turn the text around them; leave them out": (
        "含有改变文字方向的控制字符，请去掉"
    ),
    # watches and holds
    "needs a whole plate; a pattern with ? or * finds what fits it already": (
        "需要完整车牌；含 ? 或 * 的样式本已匹配所有相符车牌"
    ),
    "fixes fewer than {least_fixed} characters; a watch is for a vehicle, not for a city": (
        "已确定的字符少于 {least_fixed} 个；布控针对车辆，而非整座城市"
    ),
    "lies in the past, so that nothing would be watched for": "已过去，布控不会生效",
    "lies more than {most_days} days ahead, the most that this site allows; place it again then": (
        "超过本站允许的 {most_days} 天；请届时再次布控"
    ),
    "signs webhooks, and there is none; give `webhook`, or leave it out": (
        "用于签署 webhook，但没有 webhook；请填写 `webhook`，或省略此项"
    ),
    "a webhook's address is http://host/… or https://host/…, without a user name or a fragment": (
        "webhook 地址须为 http://主机/… 或 https://主机/…，不含用户名和 # 片段"
    ),
    "a webhook's address is wrong: its host or its port cannot be read": (
        "webhook 地址有误：无法识别主机或端口"
    ),
    "a webhook's host {host} has no address: {error}": "webhook 主机 {host} 没有地址：{error}",
    "a webhook to {host} leads outside the networks of SIGHTLINE_WEBHOOK_NETWORKS": (
        "webhook 主机 {host} 不在 SIGHTLINE_WEBHOOK_NETWORKS 的网络内"
    ),
    "this site sends no webhooks; SIGHTLINE_WEBHOOK_NETWORKS names the networks that they may go "
    "to": "本站不发送 webhook；SIGHTLINE_WEBHOOK_NETWORKS 指定允许的网络",
    "{most_watches} watches stand already; end some that are not needed": (
        "已有 {most_watches} 项布控，请结束不再需要的布控"
    ),
    "lies in the past, so that the hold would hold nothing": "已过去，留存不会生效",
    "says camera and range by itself; leave `camera`, `from` and `to` out": (
        "已包含摄像机和时段；请省略 `camera`、`from` 和 `to`"
    ),
    "is absent, so give `camera`, `from` and `to`": "未填写，请填写 `camera`、`from` 和 `to`",
    # exports, saved views, people, cases and approvals
    "number {number} ends at {end}, which lies in the future; export what is recorded": (
        "第 {number} 个时段止于 {end}，尚未到来；请导出已有的录像"
    ),
    "has the same range twice; give it once": "同一时段出现了两次，请只写一次",
    "is absent, and so are `is_shared`, `tiles` and `cameras`; give one of them": (
        "与 `is_shared`、`tiles`、`cameras` 均未填写，请填写其一"
    ),
    "has only empty tiles; name at least one camera": "只有空画面，请至少选择一台摄像机",
    "has a camera for tile {tile}, and the view has {tile_count}; leave it out": (
        "含有第 {tile} 个画面的摄像机，而布局只有 {tile_count} 个画面，请去掉"
    ),
    "has a camera twice; give it one tile": "同一摄像机出现了两次，请只用一个画面",
    "{person} has {own_count} saved views; delete one of them first": (
        "{person} 已有 {own_count} 个布局，请先删除一个"
    ),
    "the site has {count} saved views; ask their makers or an administrator to delete some": (
        "本站已有 {count} 个布局，请联系其创建者或管理员删除一部分"
    ),
    "{person} has saved {saved_count} views today; change one of them, or wait until tomorrow": (
        "{person} 今日已保存 {saved_count} 个布局；请更改其中之一，或明日再试"
    ),
    "the view was changed {version} times; delete it and save a new one": (
        "该布局已更改 {version} 次，请删除后另存新布局"
    ),
    "names no area, class or camera; null means every camera": (
        "未指定区域、类别或摄像机；null 表示全部摄像机"
    ),
    "is absent, and so are `grants` and `scope`; give one of them": (
        "与 `grants`、`scope` 均未填写，请填写其一"
    ),
    "lies in the past, so that the token would not be valid": "已过去，令牌不会生效",
    "{name} has {most_tokens} tokens; revoke one first": (
        "{name} 已有 {most_tokens} 个令牌，请先吊销一个"
    ),
    "is absent, and so is `title`; give one of them": "与 `title` 均未填写，请填写其一",
    "{call} needs no approval; send it at once": "{call} 无需批准，请直接操作",
    "is no audit term of a call; {suggestion}": "不是操作的审计名称；{suggestion}",
    "lacks {missing_terms}, which the address of the call has": "缺少操作地址中的 {missing_terms}",
    "is empty; emergency access needs a reason": "为空；紧急查阅需要填写事由",
    # live video
    "{camera} has no sub-stream; leave out `stream`": "{camera} 没有子码流，请省略 `stream`",
    "{camera} is no checkpoint, so nothing is detected; leave it out": (
        "{camera} 不是卡口，没有检测结果，请省略此项"
    ),
    "the sub-stream is not recorded; leave out `stream`, or `at`": (
        "子码流不录像；请省略 `stream` 或 `at`"
    ),
    # passwords
    "the new password has {count} characters; it needs at least {min_characters}, for example four "
    "words": "新密码有 {count} 个字符；至少需要 {min_characters} 个，例如四个词",
    "the new password may have at most {max_characters} characters": (
        "新密码至多 {max_characters} 个字符"
    ),
    "the new password needs at least {min_different} different characters": (
        "新密码至少需要 {min_different} 个不同字符"
    ),
}
