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
