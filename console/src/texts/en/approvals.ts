// The texts of approvals and emergency accesses.

export const approvalsInEnglish = {
  show: "Show",
  pending: "Waiting",
  all: "All",
  requests: "Requests for approval",
  emergencies: "Emergency accesses",
  none: "There is none.",
  columns: {
    person: "Person",
    at: "Time",
    what: "Request",
    why: "Reason and case",
    state: "State",
    actions: "Actions",
  },
  decisions: { pending: "waiting", approved: "approved", refused: "refused" },
  verdicts: { open: "to review", justified: "justified", unjustified: "not justified" },
  approve: "Approve",
  refuse: "Refuse",
  justified: "Justified",
  unjustified: "Not justified",
  asks: (person: string, call: string, terms: string) => `${person}: ${call}, ${terms}`,
  request: "Request an approval",
  requestExplanation: "A second person reads your reason and decides. Then try again.",
  requested: "The request waits for a second person.",
};
