// The texts of the correction of a reading.
import type { correctionInEnglish } from "../en/correction.ts";

export const correctionInChinese: typeof correctionInEnglish = {
  title: "更正车牌识读",
  plate: "图片所示的完整车牌",
  save: "保存更正",
  withdraw: "撤销更正",
  original: "原识读",
};
