// The texts of saved views of the live wall, in both languages.

export const savedViewsInEnglish = {
  title: "Saved view",
  none: "None",
  shared: (name: string) => `${name} (shared)`,
  sharedBy: (name: string, person: string) => `${name} (shared by ${person})`,
  save: "Save as a view",
  saveChanges: "Save the changes",
  edit: "Rename or share",
  delete: "Delete the view",
  name: "Name",
  isShared: "Share it with everybody who may see one of its cameras",
  submit: "Save",
  deleteTitle: (name: string) => `Delete the view “${name}”?`,
  deleteExplanation:
    "It is deleted for all who see it. The cameras and their recordings stay as they are.",
  hidden: (count: number) =>
    count === 1
      ? "One camera of this view is outside your area and is left out."
      : `${count} cameras of this view are outside your area and are left out.`,
  absent: "This view was deleted, or you may not see it.",
};

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
