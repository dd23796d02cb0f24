// The texts of the city page.

export const cityInEnglish = {
  live: "Cameras live",
  warned: "Live with a fault",
  bad: "Cameras down",
  idle: "Idle or unknown",
  showFaults: "Which?",
  passings: "Passings in the last minute",
  lastHour: "Passings in each minute of the last hour",
  notRecorded: "Not recorded for lack of resources",
  offline: "Nodes offline",
  states: { online: "online", draining: "accepts no cameras", offline: "offline" },
  columns: {
    node: "Node",
    state: "State",
    processor: "Processor load",
    disk: "Disk load",
    storage: "Storage used",
    waiting: "Events waiting",
  },
};
