// The texts of outages: which cameras were not recorded, how long and why.

export const outagesInEnglish = {
  title: "Which failed",
  none: "No outage was reported for this time.",
  shown: (failed: number, all: number) =>
    `${failed} of ${all} cameras ${failed === 1 ? "was" : "were"} not recorded all the time`,
  unlogged:
    "Gaps of unknown cause, which no node has logged, are not in this list. The time line of Playback shows them.",
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
  unlogged: "节点未记录的缺口（原因不明）不在此列，可在“回放”的时间轴上查看。",
  offline: (nodes) => `${nodes} 无应答，可能另有故障。`,
  ongoing: "仍在持续",
  columns: { missing: "缺失时长", first: "起始", last: "截止", causes: "原因" },
  times: (gaps) => `${gaps} 次`,
  playback: (camera) => `回放 ${camera} 故障之前`,
};
