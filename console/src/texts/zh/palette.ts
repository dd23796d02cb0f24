// The texts of the command palette.
import type { paletteInEnglish } from "../en/palette.ts";

export const paletteInChinese: typeof paletteInEnglish = {
  title: "快速跳转",
  placeholder: "页面、车牌或摄像机",
  nothing: "没有匹配的项目。",
  find: (plate) => `查找 ${plate}`,
  follow: (plate) => `${plate} 的轨迹`,
  watch: (plate) => `布控 ${plate}`,
  live: (camera) => `实时：${camera}`,
};
