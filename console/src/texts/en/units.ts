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
