// The texts of the correction of a reading, in both languages.

export const correctionInEnglish = {
  title: "Correct the reading",
  plate: "Whole plate, as the picture shows it",
  save: "Save the correction",
  withdraw: "Withdraw the correction",
  original: "Read as",
};

export const correctionInChinese: typeof correctionInEnglish = {
  title: "更正车牌识读",
  plate: "图片所示的完整车牌",
  save: "保存更正",
  withdraw: "撤销更正",
  original: "原识读",
};
