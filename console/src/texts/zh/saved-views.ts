// The texts of saved views of the live wall.
import type { savedViewsInEnglish } from "../en/saved-views.ts";

export const savedViewsInChinese: typeof savedViewsInEnglish = {
  title: "已保存的布局",
  none: "未选择",
  shared: (name) => `${name}（已共享）`,
  sharedBy: (name, person) => `${name}（由 ${person} 共享）`,
  save: "另存为布局",
  saveChanges: "保存更改",
  edit: "重命名或共享",
  delete: "删除布局",
  name: "名称",
  isShared: "与可查看其中任一摄像机的人员共享",
  submit: "保存",
  deleteTitle: (name) => `删除布局“${name}”？`,
  deleteExplanation: "所有可见此布局的人员都将无法再使用它；摄像机及其录像不受影响。",
  hidden: (count) => `此布局中有 ${count} 台摄像机不在您的可见范围内，未显示。`,
  absent: "此布局已被删除，或您无权查看。",
};
