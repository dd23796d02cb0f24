// The texts of outages: which cameras were not recorded, how long and why.
import type { outagesInEnglish } from "../en/outages.ts";

export const outagesInChinese: typeof outagesInEnglish = {
  title: "故障记录",
  none: "此时段没有上报的故障。",
  shown: (failed, all) => `${all} 台摄像机中有 ${failed} 台录像不完整`,
  noneAtAll: "这些摄像机在此时段录像完整。",
  unlogged: "此列表为各节点上报的故障。",
  examine: "同时检查录像中的缺口",
  examining: (cameras) => `正在检查录像：已检查 ${cameras} 台摄像机……`,
  examined: "已同时检查录像。",
  chooseLess: "如需同时检查录像中的缺口，请选择不超过一天的时段。",
  unexamined: (cameras) => `存有录像的节点无应答，情况不明：${cameras}。`,
  offline: (nodes) => `${nodes} 无应答，可能另有故障。`,
  ongoing: "仍在持续",
  columns: { missing: "缺失时长", first: "起始", last: "截止", causes: "原因" },
  times: (gaps) => `${gaps} 次`,
  playback: (camera) => `回放 ${camera} 故障之前`,
};
