// The texts of exports of recordings.

export const exportsInEnglish = {
  create: "New export",
  explanation:
    "One ZIP file with an MP4 for each camera and range, and a list of hashes and gaps. It expires after some days, and keeps no recording from being deleted.",
  submit: "Create the export",
  removeCamera: (name: string) => `Remove ${name}`,
  empty: "There are no exports.",
  columns: {
    created: "Created",
    ranges: "Cameras and times",
    reason: "Reason and case",
    state: "State",
    actions: "Actions",
  },
  states: {
    waiting: "waiting",
    reading: "being read",
    ready: "ready",
    incomplete: "incomplete",
    failed: "failed",
    deleted: "deleted",
    expired: "expired",
  },
  gaps: (count: number) => (count === 1 ? "1 gap" : `${count} gaps`),
  expires: (time: string) => `until ${time}`,
  download: "Download",
  delete: "Delete",
  needsSession:
    "A browser cannot download with a token. Sign in with a password, or use the HTTP API.",
};
