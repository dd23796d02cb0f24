// Converts between instants and the wall time of the site's time zone.

const DAY_MS = 86_400_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Return the wall time of an instant as `2026-11-29T18:00:00`. */
export function wallOf(instantMs: number, zone: string): string {
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(instantMs)
      .map((part) => [part.type, part.value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? "";
  const date = `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
  return `${date}T${part("hour")}:${part("minute")}:${part("second")}`;
}

/** Return two instants as times of the clock, such as `03:10–03:20`; of two days with the dates. */
export function clockSpan(fromMs: number, toMs: number, zone: string): string {
  const walls = [fromMs, toMs].map((atMs) => wallOf(atMs, zone).replace(/:00$/, ""));
  const days = new Set(walls.map((wall) => wall.slice(0, 10)));
  const shown = walls.map((wall) => (days.size === 1 ? wall.slice(11) : wall.replace("T", " ")));
  return shown.join("–");
}

function offsetMs(instantMs: number, zone: string): number {
  return Date.parse(`${wallOf(instantMs, zone)}Z`) - Math.floor(instantMs / 1000) * 1000;
}

/**
 * Return the instant of a wall time such as `2026-11-29T18:00`, or null if the text is no time.
 *
 * A wall time that a change to summer time skips gives the instant after the change.
 */
export function instantOf(wall: string, zone: string): number | null {
  const asUtcMs = Date.parse(`${wall}Z`);
  if (Number.isNaN(asUtcMs)) return null;
  const nearMs = asUtcMs - offsetMs(asUtcMs, zone);
  return asUtcMs - offsetMs(nearMs, zone);
}

/** Return the instant at which a day of the site begins: today with 0, yesterday with -1. */
export function dayStart(nowMs: number, days: number, zone: string): number {
  const today = Date.parse(`${wallOf(nowMs, zone).slice(0, 10)}T00:00:00Z`);
  const day = new Date(today + days * DAY_MS).toISOString().slice(0, 10);
  const startMs = instantOf(`${day}T00:00:00`, zone);
  if (startMs === null) throw new RangeError(`${day} is no day`);
  return startMs;
}
