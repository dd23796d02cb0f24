// The texts of outages: which cameras were not recorded, how long and why.

export const outagesInEnglish = {
  title: "Which failed",
  none: "No outage was reported for this time.",
  shown: (count: number) => (count === 1 ? "1 camera failed" : `${count} cameras failed`),
  offline: (nodes: string) => `There may be more: ${nodes} do not answer.`,
  ongoing: "still failing",
  columns: { missing: "Not recorded", first: "From", last: "To", causes: "Cause" },
  times: (gaps: number) => (gaps === 1 ? "once" : `${gaps} times`),
  playback: (camera: string) => `Play back ${camera} before it`,
};

export const outagesInChinese: typeof outagesInEnglish = {
  title: "故障记录",
  none: "此时段没有上报的故障。",
  shown: (count) => `${count} 台摄像机曾有故障`,
  offline: (nodes) => `${nodes} 无应答，可能另有故障。`,
  ongoing: "仍在持续",
  columns: { missing: "缺失时长", first: "起始", last: "截止", causes: "原因" },
  times: (gaps) => `${gaps} 次`,
  playback: (camera) => `回放 ${camera} 故障之前`,
};
