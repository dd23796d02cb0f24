// Which cameras a typed text may mean. Pure.

/** Return the cameras whose name or id contains a text, without regard to case. */
export function matchingCameras<Camera extends { id: string; name: string }>(
  cameras: readonly Camera[],
  text: string,
): Camera[] {
  const part = text.trim().toLowerCase();
  return cameras.filter((camera) =>
    [camera.name, camera.id].some((name) => name.toLowerCase().includes(part)),
  );
}
