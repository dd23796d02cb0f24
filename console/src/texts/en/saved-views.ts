// The texts of saved views of the live wall.

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
