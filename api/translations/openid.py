"""Why a sign-in by an identity provider, or by a token or a session, fails, in Chinese."""

from __future__ import annotations

SIGN_INS: dict[str, str] = {
    "send a token": "请发送令牌",
    "send a token: `Authorization: Bearer …`": "请发送令牌：`Authorization: Bearer …`",
    "send a token: `Authorization: Bearer …`; `sightline user add` makes one; a browser signs in "
    "by "
    "POST /v1/session": "请发送令牌：`Authorization: Bearer …`；浏览器请先登录",
    "no person has this token; `sightline user add` makes a new one": "此令牌不属于任何人员",
    "the session has ended; sign in again by POST /v1/session": "会话已结束，请重新登录",
    "the cookie {cookie} occurs {count} times, so it is not used; delete the cookies of this "
    "site and sign in again": (
        "Cookie {cookie} 出现了 {count} 次，因此不予使用；请删除本站的 Cookie 后重新登录"
    ),
    "the token or the session of this ticket is no longer valid; repeat the request that issued it "
    "with a valid one": "此票据所属的令牌或会话已失效，请重新获取",
    "the ticket was not signed by this site; use URLs without a change": (
        "此票据不是本站签发的，请重新打开"
    ),
    "the ticket is of an earlier version; repeat the request that issued it": (
        "此票据属于旧版本，请重新获取"
    ),
    "the ticket has expired; repeat the request that issued it": "此票据已过期，请重新获取",
    "the ticket is malformed; use URLs without a change": "此票据格式有误，请重新打开",
    "exports belong to a person; send a token": "导出属于个人，请先登录",
    "saved views belong to a person; send a token": "布局属于个人，请先登录",
    "a password is changed by a browser that has signed in": "须先在浏览器中登录，才能更改密码",
    "a second factor is enrolled by a browser that has signed in": (
        "须先在浏览器中登录，才能启用双因素验证"
    ),
    "there is no enrolment to confirm; begin by POST /v1/session/second-factor": (
        "没有待确认的双因素验证，请重新开始"
    ),
    "this request has a token and no session; a token needs none, and `sightline user token` "
    "revokes it": "此请求使用令牌而非会话；令牌无需会话，可由管理员撤销",
    "this request has a token, and no session that could end": "此请求使用令牌，没有可结束的会话",
    "the name, the password or the code is wrong": "用户名、密码或动态码有误",
    "the code is wrong or was used before": "动态码有误或已使用过",
    # the identity provider
    "this site has no identity provider; SIGHTLINE_OPENID_ISSUER names one, and people sign in by "
    "POST /v1/session": "本站没有身份提供方，请用密码登录",
    "return_to must be a path of this site that begins with one slash, such as /events": (
        "return_to 须为本站以单个斜杠开头的路径，例如 /events"
    ),
    "{person} was removed at this site meanwhile, or all sessions were ended": (
        "{person} 已被本站移除，或其全部会话刚被结束"
    ),
    "the token endpoint of the identity provider sent an answer that cannot be read": (
        "无法识别身份提供方令牌端点的应答"
    ),
    "the token endpoint of the identity provider sent neither tokens nor an error": (
        "身份提供方令牌端点既未返回令牌，也未返回错误"
    ),
    "the token endpoint of the identity provider does not answer: {error}": (
        "身份提供方令牌端点无应答：{error}"
    ),
    "the identity provider does not accept this site's requests ({answer}); check the "
    "client id, the "
    "client secret and the redirect address": (
        "身份提供方不接受本站的请求（{answer}）；请检查客户端编号、客户端密钥和回调地址"
    ),
    "the identity provider refused the sign-in ({answer})": "身份提供方拒绝登录（{answer}）",
    "the identity provider refused the sign-in ({code})": "身份提供方拒绝登录（{code}）",
    "the identity provider sent no code; begin again": "身份提供方未返回授权码，请重新登录",
    "the identity provider answered for another person (sub)": "身份提供方的应答属于另一人（sub）",
    "the identity provider has ended this sign-in; begin again": (
        "身份提供方已结束此次登录，请重新登录"
    ),
    "the identity provider answered {status_code} for {url}": (
        "身份提供方对 {url} 应答 {status_code}"
    ),
    "the identity provider does not answer at {url}: {error}": "身份提供方 {url} 无应答：{error}",
    "the metadata at {url} is of another issuer, {issuer}; set SIGHTLINE_OPENID_ISSUER to the "
    "exact "
    "issuer of the provider": (
        "{url} 的元数据属于另一签发方 {issuer}；请将 SIGHTLINE_OPENID_ISSUER 设为身份提供方的准确"
        "签发方"
    ),
    "the metadata of the identity provider at {url} is not usable: {place}: {fault}": (
        "身份提供方 {url} 的元数据不可用：{place}：{fault}"
    ),
    "the keys of the identity provider at {url} are not usable: {error}": (
        "身份提供方 {url} 的密钥不可用：{error}"
    ),
    "must be an https:// address": "须为 https:// 地址",
    "is no address: {error}": "不是地址：{error}",
    "it is no JWK set": "不是 JWK 集合",
    "it is a JWK set without keys for signatures": "该 JWK 集合没有签名密钥",
    "the identity provider gives this person no role of this site: the claim `{claim}` has none of "
    "the values of SIGHTLINE_OPENID_ROLES": (
        "身份提供方未授予此人本站的角色：声明 `{claim}` 不含 SIGHTLINE_OPENID_ROLES 中的值"
    ),
    "the identity provider gives this person no cameras: {claims} are absent or empty; "
    "`{everything}` means all": (
        "身份提供方未授予此人任何摄像机：{claims} 缺失或为空；`{everything}` 表示全部"
    ),
    "the claim `{claim}` of the identity provider is empty, so this person may see no cameras; "
    "`{everything}` means all": (
        "身份提供方的声明 `{claim}` 为空，此人不能查看任何摄像机；`{everything}` 表示全部"
    ),
    "the claim `{claim}` of the identity provider has the class {unknown_class}; the "
    "classes are A, B "
    "and C": "身份提供方的声明 `{claim}` 含有类别 {unknown_class}；类别只有 A、B、C",
    "the claim `{claim}` of the identity provider is no text or list of texts": (
        "身份提供方的声明 `{claim}` 不是文本或文本列表"
    ),
    "the claim `{claim}` of the identity provider is too long": "身份提供方的声明 `{claim}` 过长",
    "this browser did not begin the sign-in, or it took longer than {lifetime_minutes} "
    "minutes; begin "
    "again": "登录不是由此浏览器发起的，或超过了 {lifetime_minutes} 分钟，请重新登录",
    "the sign-in took longer than {lifetime_minutes} minutes; begin again": (
        "登录超过了 {lifetime_minutes} 分钟，请重新登录"
    ),
    "this sign-in is already finished (state); begin again": "此次登录已完成（state），请重新登录",
    "the answer of the identity provider belongs to another sign-in (state); begin again": (
        "身份提供方的应答属于另一次登录（state），请重新登录"
    ),
    "the answer comes from another identity provider (iss)": "应答来自另一身份提供方（iss）",
    "the answer does not name the identity provider (iss)": "应答未写明身份提供方（iss）",
    "the cookie of the sign-in was changed; begin again": "登录 Cookie 被更改，请重新登录",
    "this logout token was used before (jti)": "此注销令牌已使用过（jti）",
    "the id token was issued for another sign-in: its nonce is wrong": (
        "身份令牌属于另一次登录：nonce 有误"
    ),
    "the id token is of another access token: its at_hash is wrong": (
        "身份令牌属于另一访问令牌：at_hash 有误"
    ),
    "the logout token is too old": "注销令牌过旧",
    "the token is no logout token: it has no logout event": "该令牌不是注销令牌：没有注销事件",
    "the token is no logout token: it has a nonce": "该令牌不是注销令牌：含有 nonce",
    "the logout token has no jti": "注销令牌没有 jti",
    "the logout token names neither a person nor a session": "注销令牌未指明人员或会话",
    "the identity provider sent no {token}, or one that is too long": (
        "身份提供方未发送 {token}，或其过长"
    ),
    "the {token} is of another issuer (iss)": "{token} 属于另一签发方（iss）",
    "the {token} is for another client (aud)": "{token} 属于另一客户端（aud）",
    "the {token} is for several clients and has no azp": "{token} 属于多个客户端且没有 azp",
    "the {token} was issued to another client (azp)": "{token} 签发给了另一客户端（azp）",
    "the {token} names no person (sub)": "{token} 未指明人员（sub）",
    "the token has no time of issue (iat), or one in the future; compare the clocks of this site "
    "and of the identity provider": (
        "令牌没有签发时间（iat），或在未来；请核对本站与身份提供方的时钟"
    ),
    "the token has expired (exp); compare the clocks of this site and of the identity provider": (
        "令牌已过期（exp）；请核对本站与身份提供方的时钟"
    ),
    "the token is not valid yet (nbf)": "令牌尚未生效（nbf）",
    "the identity provider sent a token that is malformed": "身份提供方发送的令牌格式有误",
    "the signature of the {token} is wrong": "{token} 的签名有误",
    "the {token} is signed with a key that is unknown": "{token} 由未知密钥签名",
    "the {token} cannot be verified: {error}": "无法验证 {token}：{error}",
    "id token": "身份令牌",
    "logout token": "注销令牌",
}
