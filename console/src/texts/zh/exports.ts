// The texts of exports of recordings.
import type { exportsInEnglish } from "../en/exports.ts";

export const exportsInChinese: typeof exportsInEnglish = {
  create: "新建导出",
  explanation:
    "生成一个 ZIP 文件：每台摄像机、每个时段各一个 MP4，并附哈希与缺口清单。若干天后失效，且不阻止录像到期清除。",
  submit: "创建导出",
  removeCamera: (name) => `移除 ${name} 摄像机`,
  empty: "尚无导出。",
  columns: {
    created: "创建时间",
    ranges: "摄像机与时段",
    reason: "事由与案件",
    state: "状态",
    actions: "操作",
  },
  states: {
    waiting: "等待中",
    reading: "正在读取",
    ready: "可下载",
    incomplete: "不完整",
    failed: "失败",
    deleted: "已删除",
    expired: "已失效",
  },
  gaps: (count) => `${count} 处缺口`,
  expires: (time) => `有效期至 ${time}`,
  download: "下载",
  delete: "删除",
  needsSession: "浏览器无法用令牌下载，请用密码登录，或使用 HTTP 接口。",
};
