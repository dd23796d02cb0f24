// The texts of outages: which cameras were not recorded, how long and why.

export const outagesInEnglish = {
  title: "Which failed",
  none: "No outage was reported for this time.",
  shown: (failed: number, all: number) =>
    `${failed} of ${all} cameras ${failed === 1 ? "was" : "were"} not recorded all the time`,
  noneAtAll: "All of these cameras were recorded all the time.",
  unlogged: "This list has what the nodes have reported.",
  examine: "Also look for gaps in the recordings",
  examining: (cameras: number) => `Looking at the recordings: ${cameras} cameras so far…`,
  examined: "The recordings were looked at too.",
  chooseLess: "Choose at most one day to look for gaps in the recordings as well.",
  unexamined: (cameras: string) =>
    `Not known, because no node that has the recordings answers: ${cameras}.`,
  offline: (nodes: string) => `There may be more: ${nodes} do not answer.`,
  ongoing: "still failing",
  columns: { missing: "Not recorded", first: "From", last: "To", causes: "Cause" },
  times: (gaps: number) => (gaps === 1 ? "once" : `${gaps} times`),
  playback: (camera: string) => `Play back ${camera} before it`,
};

export const outagesInChinese: typeof outagesInEnglish = {
  title: "故障记录",
  none: "此时段没有上报的故障。",
  shown: (failed, all) => `${all} 台摄像机中有 ${failed} 台录像不完整`,
  noneAtAll: "这些摄像机在此时段录像完整。",
  unlogged: "此列表为各节点上报的故障。",
  examine: "同时检查录像中的缺口",
  examining: (cameras) => `正在检查录像：已检查 ${cameras} 台摄像机…`,
  examined: "已同时检查录像。",
  chooseLess: "如需同时检查录像中的缺口，请选择不超过一天的时段。",
  unexamined: (cameras) => `存有录像的节点无应答，情况不明：${cameras}。`,
  offline: (nodes) => `${nodes} 无应答，可能另有故障。`,
  ongoing: "仍在持续",
  columns: { missing: "缺失时长", first: "起始", last: "截止", causes: "原因" },
  times: (gaps) => `${gaps} 次`,
  playback: (camera) => `回放 ${camera} 故障之前`,
};
