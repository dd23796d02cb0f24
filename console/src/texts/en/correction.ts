// The texts of the correction of a reading.

export const correctionInEnglish = {
  title: "Correct the reading",
  plate: "Whole plate, as the picture shows it",
  save: "Save the correction",
  withdraw: "Withdraw the correction",
  original: "Read as",
};
