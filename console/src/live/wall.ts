// The layout of the live wall as the address has it: how many tiles, and which camera in each.

export const SIZES = [1, 4, 9, 16, 25] as const;
export type Size = (typeof SIZES)[number];

export interface Wall {
  size: Size;
  /** The ids of the cameras by tile; an empty text is a tile without a camera. */
  cameras: readonly string[];
}

/** Return the wall of an address. Without a size, the smallest one for its cameras. */
export function wallOf(parameters: URLSearchParams): Wall {
  const cameras = (parameters.get("cameras") ?? "").split(",").slice(0, SIZES.at(-1));
  const asked = SIZES.find((size) => `${size}` === parameters.get("size"));
  const size = asked ?? SIZES.find((one) => one >= cameras.length) ?? 25;
  return { size, cameras: Array.from({ length: size }, (_, tile) => cameras[tile] ?? "") };
}

/** Return the wall that shows these cameras, or the first of them if there are more than tiles. */
export function wallShowing(cameras: readonly string[]): Wall {
  return wallOf(new URLSearchParams({ cameras: cameras.join(",") }));
}

export function parametersOfWall({ size, cameras }: Wall): URLSearchParams {
  const used = cameras.slice(0, size);
  while (used.at(-1) === "") used.pop();
  return new URLSearchParams({ size: `${size}`, cameras: used.join(",") });
}

/** Return the wall with a camera in its first free tile, or in the last if none is free. */
export function withCamera(wall: Wall, camera: string): Wall {
  if (wall.cameras.includes(camera)) return wall;
  const free = wall.cameras.indexOf("");
  return withTile(wall, free === -1 ? wall.size - 1 : free, camera);
}

/** Return the wall with another camera in one tile; an empty text clears it. */
export function withTile(wall: Wall, tile: number, camera: string): Wall {
  return { ...wall, cameras: wall.cameras.map((id, index) => (index === tile ? camera : id)) };
}

/** Return the wall with another number of tiles; cameras without a tile are left out. */
export function resized({ cameras }: Wall, size: Size): Wall {
  const used = cameras.filter(Boolean);
  return { size, cameras: Array.from({ length: size }, (_, tile) => used[tile] ?? "") };
}
