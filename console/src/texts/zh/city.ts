// The texts of the city page.
import type { cityInEnglish } from "../en/city.ts";

export const cityInChinese: typeof cityInEnglish = {
  live: "在线摄像机",
  warned: "在线但有异常",
  bad: "故障摄像机",
  idle: "待机或无上报",
  showFaults: "查看是哪些",
  passings: "上一分钟过车数",
  lastHour: "最近一小时每分钟的过车数",
  notRecorded: "因资源不足未录像",
  offline: "离线节点",
  states: { online: "在线", draining: "不再接收摄像机", offline: "离线" },
  columns: {
    node: "节点",
    state: "状态",
    processor: "处理器负载",
    disk: "磁盘负载",
    storage: "已用存储",
    waiting: "待发布事件",
  },
};
