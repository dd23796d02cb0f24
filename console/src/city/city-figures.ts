// The figures of the city page: cameras by state, passings a minute, and what the nodes report. Pure.
import type { AreaView, Schemas } from "../api/client.ts";
import { type Severity, severityOf } from "../cameras/camera-filters.ts";

export type NodeView = Schemas["NodeView"];

/** Return the number of cameras by severity. An area counts those of all areas below it. */
export function camerasBySeverity(areas: readonly AreaView[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { live: 0, warned: 0, idle: 0, bad: 0 };
  for (const area of areas.filter((one) => one.parent === null)) {
    const states = Object.entries(area.states) as [Parameters<typeof severityOf>[0], number][];
    for (const [state, count] of states) counts[severityOf(state)] += count;
  }
  return counts;
}

/** Return how many cameras are not recorded because of overload or a full disk. */
export function notRecorded(nodes: readonly NodeView[]): number {
  const causes = ["recording", "recording_for_disk"];
  return nodes
    .flatMap((node) => Object.entries(node.report?.shed ?? {}))
    .filter(([cause]) => causes.includes(cause))
    .reduce((total, [, count]) => total + count, 0);
}

/** Return how many nodes do not answer. */
export function nodesOffline(nodes: readonly NodeView[]): number {
  return nodes.filter((node) => node.state === "offline").length;
}

/** Return which part of its disk limit a node uses, from 0 to 1; null before it was measured. */
export function diskPart(node: NodeView): number | null {
  const disk = node.report?.disk ?? null;
  if (disk === null) return null;
  // What the disk has free beyond the reserve can be less than what the limit allows.
  const usedBytes = disk.recordings_bytes + disk.other_bytes;
  const spareBytes = Math.max(
    0,
    Math.min(disk.limit_bytes - usedBytes, disk.free_bytes - disk.reserve_bytes),
  );
  const wholeBytes = usedBytes + spareBytes;
  return wholeBytes === 0 ? 1 : usedBytes / wholeBytes;
}

/** Return the passings of the last complete minute; the present one is still counted. */
export function lastWholeMinute(counts: readonly number[]): number {
  return counts.at(-2) ?? 0;
}
