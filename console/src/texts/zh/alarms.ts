// The names of the alarms.
import type { alarmsInEnglish } from "../en/alarms.ts";

export const alarmsInChinese: typeof alarmsInEnglish = {
  title: "告警",
  names: {
    disk_full: "磁盘已满",
    disk_held: "磁盘只剩依法留存的录像",
    disk_unwritable: "数据目录不可写",
    audit_full: "审计日志将满",
    audit_unshipped: "审计日志未能上传",
    audit_syslog: "审计日志未能发送至 syslog",
    analysis_overloaded: "分析过载",
    analysis_stopped: "分析中断",
    cameras_down: "摄像机离线",
    policy_invalid: "访问策略有错误",
    emergency_access: "紧急查阅待复核",
    people_refused: "人员记录未通过校验",
    sign_ins_fail: "登录失败过多",
    store_unreachable: "对象存储无应答",
    store_full: "对象存储已满",
    store_lost: "对象存储内容丢失",
    index_emptied: "索引已清空",
    index_unreachable: "索引无应答",
    uploads_behind: "上传积压",
    clock_stepped: "节点时钟被调整",
    evidence_damaged: "证据文件受损",
    hold_damaged: "留存记录损坏",
    retention_stopped: "到期数据未清除",
  },
};
