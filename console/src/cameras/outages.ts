// The order of cameras' outages. Pure.

/** Return the outages of some cameras: those that last first, then the longest. */
export function shownOutages<One extends { camera: string; missing_ms: number; ongoing: boolean }>(
  outages: readonly One[],
  cameras: ReadonlySet<string>,
): One[] {
  return outages
    .filter(({ camera }) => cameras.has(camera))
    .sort(
      (one, other) =>
        Number(other.ongoing) - Number(one.ongoing) || other.missing_ms - one.missing_ms,
    );
}

/** Return the outages that nodes logged, with those of examined cameras in their place. */
export function withExamined<One extends { camera: string }>(
  logged: readonly One[],
  examined: readonly One[],
): One[] {
  const found = new Map([...logged, ...examined].map((one) => [one.camera, one]));
  return [...found.values()];
}
