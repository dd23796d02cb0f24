// The names of the alarms.

export const alarmsInEnglish = {
  title: "Alarms",
  names: {
    disk_full: "Disk full",
    disk_held: "Disk full of held recordings",
    disk_unwritable: "Data folder cannot be written",
    audit_full: "Audit log nearly full",
    audit_unshipped: "Audit log not copied",
    audit_syslog: "Audit log not sent to syslog",
    analysis_overloaded: "Passings missed",
    cameras_down: "Cameras down",
    policy_invalid: "Access policy has faults",
    emergency_access: "Emergency access to review",
    people_refused: "Records of people not authentic",
    sign_ins_fail: "Many sign-ins fail",
    store_unreachable: "Object store does not answer",
    store_full: "Object store full",
    store_lost: "Object store lost its content",
    index_emptied: "Index was emptied",
    index_unreachable: "Index does not answer",
    uploads_behind: "Uploads are behind",
    clock_stepped: "Clock of the node was set",
    evidence_damaged: "Evidence damaged",
    hold_damaged: "Record of a legal hold damaged",
    retention_stopped: "Expired data not deleted",
  },
};
