// The texts of approvals and emergency accesses.
import type { approvalsInEnglish } from "../en/approvals.ts";

export const approvalsInChinese: typeof approvalsInEnglish = {
  show: "显示",
  pending: "待处理",
  all: "全部",
  requests: "审批申请",
  emergencies: "紧急查阅",
  none: "暂无记录。",
  columns: {
    person: "人员",
    at: "时间",
    what: "请求",
    why: "事由与案件",
    state: "状态",
    actions: "操作",
  },
  decisions: { pending: "待审批", approved: "已批准", refused: "已拒绝" },
  verdicts: { open: "待复核", justified: "理由成立", unjustified: "理由不成立" },
  approve: "批准",
  refuse: "拒绝",
  justified: "理由成立",
  unjustified: "理由不成立",
  asks: (person, call, terms) => `${person}：${call}，${terms}`,
  request: "申请审批",
  requestExplanation: "由另一人阅读事由后决定；批准后请重试。",
  requested: "申请已提交，等待另一人审批。",
};
