// The texts about times that were not analysed completely.

export const unanalysedInEnglish = {
  summary: (cameras: number, minutes: number) =>
    `Passings may be missing: ${cameras === 1 ? "1 camera was" : `${cameras} cameras were`} not analysed completely, ${minutes} min in total`,
  meaning: "What passed in these times may have no result here.",
  minutes: (minutes: number) => `${minutes} min`,
  range: (from: string, to: string, cause: string) => `${from} to ${to}, ${cause}`,
  more: "and shorter times",
  partly: (cause: string) => `Not completely analysed: ${cause}`,
  shown: (count: number) => `Not completely analysed in the shown time (${count})`,
  now: "Checkpoints not completely analysed now",
  causes: {
    overload: "overload",
    decoder: "pictures could not be decoded",
    camera_down: "camera down",
    restart: "not running",
    unknown: "cause unknown",
    standing_vehicle: "a vehicle stood in view",
    settled: "overload, after every plate in view was read",
    analysis_stopped: "the analysis stopped",
  },
};
