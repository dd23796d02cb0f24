// Durations and distances.
import type { unitsInEnglish } from "../en/units.ts";

export const unitsInChinese: typeof unitsInEnglish = {
  duration: (days, hours, minutes, seconds) =>
    [
      days > 0 ? `${days} 天` : "",
      hours > 0 ? `${hours} 小时` : "",
      minutes > 0 ? `${minutes} 分钟` : "",
      days + hours + minutes === 0 ? `${seconds} 秒` : "",
    ]
      .filter(Boolean)
      .join(" "),
  metres: (metres) => `${metres} 米`,
  kilometres: (kilometres) => `${kilometres} 公里`,
};
