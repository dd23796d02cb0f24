"""What is wrong with the registry, the secrets file or the policy file, in Chinese."""

from __future__ import annotations

FILE_FAULTS: dict[str, str] = {
    "{place}: {fault}": "{place}：{fault}",
    "{place}: {fault} ({hint})": "{place}：{fault}（{hint}）",
    "cannot be read: {reason}": "无法读取：{reason}",
    "it is not text in UTF-8; save it in that encoding": "不是 UTF-8 文本，请另存为 UTF-8 编码",
    "warning: {fault}": "警告：{fault}",
    "there is no data folder {data}; --data names one that `sightline up` or `sightline demo` "
    "made": (
        "没有数据目录 {data}；请用 --data 指定由 `sightline up` 或 `sightline demo` 建立的目录"
    ),
    "faults: {count}": "共 {count} 处错误",
    "{file}: no fault; cameras: {cameras}, areas: {areas}": (
        "{file}：{areas} 个区域、{cameras} 台摄像机，没有错误"
    ),
    "{file}: no fault; {count} calls are governed; SHA-256 {sha256}": (
        "{file}：没有错误；约束 {count} 个调用；SHA-256 {sha256}"
    ),
    "{file} has faults; the last good registry runs instead:": (
        "{file} 有错误，继续使用上一份有效的登记表："
    ),
    "{option}: {text} is no time of RFC 3339, such as {example}": (
        "{option}：{text} 不是 RFC 3339 时间，例如 {example}"
    ),
    # values
    "must have keys and values": "须为键值对",
    "must be a list": "须为列表",
    "must be a whole number": "须为整数",
    "must be a number": "须为数",
    "must be true or false": "须为 true 或 false",
    "must be text": "须为文本",
    "must begin with a letter or a digit, and have only letters, digits, - _ . (64 at most)": (
        "须以字母或数字开头，只能含字母、数字和 - _ .，至多 64 个字符"
    ),
    "must have only lower-case letters, digits and -, in parts joined by /": (
        "只能含小写字母、数字和 -，各级之间用 / 分隔"
    ),
    "must be the whole path of a file, which begins with /": "须为文件的完整路径，以 / 开头",
    "a mask or a lane is a list of three or more points, and a point is [x, y]": (
        "每个遮挡区域或车道须为至少三个点的列表，每个点写作 [x, y]"
    ),
    "a count line is a list of two points, and a point is [x, y]": (
        "每条计数线须为两个点的列表，每个点写作 [x, y]"
    ),
    "are `lon` and `lat` exchanged?": "`lon` 与 `lat` 是否写反了？",
    "is no network, such as 10.0.0.0/8": "不是网段；网段写作 10.0.0.0/8 的形式",
    "begins within a network; write {whole}": "不是网段的起始地址；请写 {whole}",
    "no registry is applied, so there are no cameras: start again with --registry FILE, or run "
    "`sightline cameras apply FILE --data {data}`": (
        "尚未应用登记表，因此没有摄像机：请用 --registry 指定登记表后重新启动，"
        "或运行 `sightline cameras apply 登记表 --data {data}`"
    ),
    # YAML
    "this is not YAML: {reason}": "不是有效的 YAML：{reason}",
    "it cannot be parsed": "无法解析",
    "indent with spaces, and quote text that holds : or #": (
        "请用空格缩进，含有 : 或 # 的文本请加引号"
    ),
    "this is nested too deep, or repeats too much": "嵌套过深，或重复过多",
    "write it out, without aliases (`*name`)": "请写出完整内容，不要使用别名（`*name`）",
    "this value has a tag or a form that YAML does not know": "此值的标签或格式不是 YAML 所支持的",
    "put it in quotes": "请加引号",
    "a key must be plain text": "键须为纯文本",
    "{key} stands twice": "{key} 出现了两次",
    "first on line {line}; keep one": "首次出现在第 {line} 行，请只保留一个",
    # keys and values
    "`{key}`": "`{key}`",
    "{key}: {fault}": "{key}：{fault}",
    "this key": "此键",
    "this key is unknown": "此键不是可用的键",
    "unknown key `{key}`": "没有键 `{key}`",
    "`{key}` is missing": "缺少 `{key}`",
    "add `{key}:`": "请添加 `{key}:`",
    "{value} is not one of {allowed}": "{value} 不是可用的值，可用的有：{allowed}",
    "this value is not one of {allowed}": "此值不可用，可用的有：{allowed}",
    # cameras and areas
    "this `url` is also that of the camera on line {line}": ("第 {line} 行的摄像机也使用此 `url`"),
    "each of the two is recorded for itself, from the same pictures": ("两者将分别录像，画面相同"),
    "the id `{camera}` is taken": "编号 `{camera}` 已被使用",
    "this id is taken": "此编号已被使用",
    "by the camera on line {line}; ids are unique": "由第 {line} 行的摄像机使用；编号不得重复",
    "the area `{area}` is not under `areas`": "`areas` 下没有区域 `{area}`",
    "this area is not under `areas`": "`areas` 下没有此区域",
    "add it under `areas:`, as  {key}: {name: …}": ("请在 `areas:` 下添加，写作  {key}: {name: …}"),
    "the former area `{area}`": "曾用区域 `{area}`",
    "this former area": "此曾用区域",
    "{former_area} is an area of today": "{former_area} 与现有区域同名",
    "rename one of them": "请更改其中一个",
    "{former_area} became two areas": "{former_area} 对应了两个区域",
    "it is also on line {line}; name it once": "第 {line} 行也有，请只写一次",
    "begins where it ends": "起点与终点相同",
    # addresses
    "the port is not a number from 1 to 65535": "端口须为 1 至 65535 的数",
    "must begin with rtsp:// or rtsps://": "须以 rtsp:// 或 rtsps:// 开头",
    "holds a user name or password; name an entry of the secrets file under `credentials` "
    "instead": "含有用户名或密码；请写入密码文件，并在 `credentials` 中填写其名称",
    "holds @ behind the host; write %40 in a path, and credentials in the secrets file": (
        "主机之后含有 @；路径中的 @ 请写作 %40，用户名和密码请写入密码文件"
    ),
    "has no host": "没有主机",
    "{host} is outside `networks`": "{host} 不在 `networks` 允许的网段内",
    "add its network under `networks:`, or correct the address": (
        "请将其网段加入 `networks:`，或更正地址"
    ),
    # TLS
    "`tls` is for cameras with rtsps://": "`tls` 仅用于 rtsps:// 的摄像机",
    "correct the url, or remove it": "请更正 url，或去掉此项",
    "needs either `ca` or `sha256`": "须填写 `ca` 或 `sha256` 之一",
    "is not the SHA-256 of a certificate: 64 hexadecimal digits": (
        "不是证书的 SHA-256，应为 64 位十六进制数"
    ),
    "the file cannot be read: {reason}": "无法读取该文件：{reason}",
    "every node needs the file under this path": "每个节点的此路径下都须有该文件",
    "the file holds no certificate": "该文件不含证书",
    "write it as PEM": "请使用 PEM 格式",
    # credentials
    "`credentials` must be the name of a secret": "`credentials` 须为密码文件中的名称",
    "use letters, digits, - and _; user and password belong in the secrets file, or in "
    "SIGHTLINE_CAMERA_<NAME>=user:password": (
        "可用字母、数字、- 和 _；用户名和密码请写入密码文件，或设置 "
        "SIGHTLINE_CAMERA_<NAME>=user:password"
    ),
    "there is no secret `{name}`": "没有名为 `{name}` 的密码",
    "add it to the secrets file, or set {variable}=user:password": (
        "请将其加入密码文件，或设置 {variable}=user:password"
    ),
    "this variable of the environment must hold user:password": (
        "此环境变量须为 user:password 的形式"
    ),
    "others may read this file of passwords": "其他用户可读取此密码文件",
    "run `chmod 600 {file}` in its folder": "请在其目录中运行 `chmod 600 {file}`",
    "must hold names, each with user and password": "须由名称组成，每个名称含用户名和密码",
    "for example  junzhou: {user: admin, password: '...'}": (
        "例如  junzhou: {user: admin, password: '...'}"
    ),
    "this entry": "此条目",
    "{entry} must hold `user` and `password`, and nothing else": (
        "{entry} 须含 `user` 和 `password`，且不含其他内容"
    ),
    "`{key}` must be text": "`{key}` 须为文本",
    # what is recorded
    "recordings cannot be kept {least_days} days at least (`retention_days`) and {most_days} at "
    "most (`retention_max_days`)": (
        "录像的最短保存期（`retention_days`，{least_days} 天）不能长于最长保存期"
        "（`retention_max_days`，{most_days} 天）"
    ),
    "raise `retention_max_days`, or lower `retention_days`": (
        "请增大 `retention_max_days`，或减小 `retention_days`"
    ),
    "`{key}` would keep nothing: {reason}": "`{key}` 不会保存任何录像：{reason}",
    "only `checkpoint` can trigger, and the camera is no checkpoint": (
        "只有 `checkpoint` 可触发，而该摄像机不是卡口"
    ),
    "nothing can trigger": "没有可用的触发",
    "add `motion` or `api` to `triggers`": "请在 `triggers` 中加入 `motion` 或 `api`",
    "`triggers` do nothing where `record` is {mode}": "`record` 为 {mode} 时，`triggers` 不起作用",
    "leave `triggers` out, or set `record: events` or `upload: events`": (
        "请去掉 `triggers`，或设置 `record: events` 或 `upload: events`"
    ),
    "it is recorded when POST /v1/cameras/ID/triggers asks; leave `triggers` out, or set "
    "`record: events`": (
        "由 POST /v1/cameras/ID/triggers 触发录像；请去掉 `triggers`，或设置 `record: events`"
    ),
    "`onvif_port` does nothing where `triggers` lack `onvif`": (
        "`triggers` 不含 `onvif` 时，`onvif_port` 不起作用"
    ),
    "add `onvif` to `triggers`, or leave it out": ("请在 `triggers` 中加入 `onvif`，或去掉此项"),
    "`{key}` do nothing at a camera that is no checkpoint": ("摄像机不是卡口时，`{key}` 不起作用"),
    "add `checkpoint`, or leave them out": "请添加 `checkpoint`，或去掉此项",
    # access policies
    "this group has no calls; give `rights` or `calls`": (
        "此组没有调用，请填写 `rights` 或 `calls`"
    ),
    "`needs` is empty, so this group demands nothing; give one of them": (
        "`needs` 为空，此组没有任何要求；请至少填写一项"
    ),
    "`case_pattern` does nothing here; add `case` to `needs`": (
        "`case_pattern` 在此不起作用；请在 `needs` 中加入 `case`"
    ),
    "is no regular expression: {error}": "不是正则表达式：{error}",
    "no call that a policy can govern needs the right `{right}`": (
        "策略可约束的调用均不需要权限 `{right}`"
    ),
    "leave it out": "请去掉此项",
    "this word": "此名称",
    "{word} is no audit term that a policy can govern": "{word} 不是策略可约束的审计名称",
}
OF_LIBRARIES: dict[str, str] = {
    # the operating system
    "No such file or directory": "文件或目录不存在",
    "Is a directory": "这是目录，不是文件",
    "Not a directory": "这不是目录",
    "Permission denied": "没有权限",
    "Cannot assign requested address": "本机没有此地址",
    "Connection refused": "连接被拒绝",
    "Connection reset by peer": "连接被对方重置",
    "Connection timed out": "连接超时",
    "Broken pipe": "连接已断开",
    "Host is down": "对方主机未开机",
    "No route to host": "没有到该主机的路由",
    "Network is unreachable": "网络不可达",
    "Network is down": "本机网络已断开",
    "Name or service not known": "没有此名称",
    "Temporary failure in name resolution": "名称解析暂时失败",
    "No address associated with hostname": "此名称没有对应的地址",
    # OpenSSL
    "self-signed certificate": "证书为自签名",
    "self-signed certificate in certificate chain": "证书链中有自签名证书",
    "unable to get local issuer certificate": "不知其签发机构",
    "certificate has expired": "证书已过期",
    "certificate is not yet valid": "证书尚未生效",
    # libyaml
    "mapping values are not allowed in this context": "此处不能有键值对",
    "mapping keys are not allowed in this context": "此处不能有键",
    "block sequence entries are not allowed in this context": "此处不能有列表项",
    "could not find expected ':'": "缺少 :",
    "did not find expected key": "此处应为键，请检查缩进",
    "did not find expected '-' indicator": "此处应为 -，请检查缩进",
    "did not find expected ',' or ']'": "缺少 , 或 ]",
    "did not find expected ',' or '}'": "缺少 , 或 }",
    "did not find expected node content": "此处缺少内容",
    "did not find expected <document start>": "此处的内容不属于任何键",
    "did not find expected alphabetic or numeric character": "此处应为字母或数字",
    "found character that cannot start any token": "此字符不能作为开头（例如制表符）",
    "found a tab character where an indentation space is expected": "缩进使用了制表符",
    "found a tab character that violates indentation": "缩进使用了制表符",
    "found unexpected end of stream": "文件意外结束，请检查引号",
    "found unexpected document indicator": "引号内出现了文档分隔符",
    "found unknown escape character": "双引号内有未知的转义字符",
    "found undefined tag handle": "标签未定义",
    "found undefined alias": "别名未定义",
    "control characters are not allowed": "不能含有控制字符",
    "but found another document": "文件只能含一个文档",
    "found unknown directive name": "未知的指令",
}
"""What libyaml, OpenSSL and the operating system say, by their own texts."""
