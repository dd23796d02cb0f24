// The texts of the command palette, in both languages.

export const paletteInEnglish = {
  title: "Go to",
  placeholder: "A place, a plate or a camera",
  nothing: "Nothing has this name.",
  find: (plate: string) => `Find ${plate}`,
  follow: (plate: string) => `Follow ${plate}`,
  watch: (plate: string) => `Watch for ${plate}`,
  live: (camera: string) => `Live: ${camera}`,
};

export const paletteInChinese: typeof paletteInEnglish = {
  title: "快速跳转",
  placeholder: "页面、车牌或摄像机",
  nothing: "没有匹配的项目。",
  find: (plate) => `查找 ${plate}`,
  follow: (plate) => `${plate} 的轨迹`,
  watch: (plate) => `布控 ${plate}`,
  live: (camera) => `实时：${camera}`,
};
