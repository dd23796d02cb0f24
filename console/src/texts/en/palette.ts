// The texts of the command palette.

export const paletteInEnglish = {
  title: "Go to",
  placeholder: "A place, a plate or a camera",
  nothing: "Nothing has this name.",
  find: (plate: string) => `Find ${plate}`,
  follow: (plate: string) => `Follow ${plate}`,
  watch: (plate: string) => `Watch for ${plate}`,
  live: (camera: string) => `Live: ${camera}`,
};
