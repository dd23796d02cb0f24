// Durations and distances.

export const unitsInEnglish = {
  duration: (days: number, hours: number, minutes: number, seconds: number) =>
    [
      days > 0 ? `${days} d` : "",
      hours > 0 ? `${hours} h` : "",
      minutes > 0 ? `${minutes} min` : "",
      days + hours + minutes === 0 ? `${seconds} s` : "",
    ]
      .filter(Boolean)
      .join(" "),
  metres: (metres: number) => `${metres} m`,
  kilometres: (kilometres: string) => `${kilometres} km`,
};

export const unitsInChinese: typeof unitsInEnglish = {
  duration: (days, hours, minutes, seconds) =>
    [
      days > 0 ? `${days} 天` : "",
      hours > 0 ? `${hours} 小时` : "",
      minutes > 0 ? `${minutes} 分` : "",
      days + hours + minutes === 0 ? `${seconds} 秒` : "",
    ].join(""),
  metres: (metres) => `${metres} 米`,
  kilometres: (kilometres) => `${kilometres} 公里`,
};
