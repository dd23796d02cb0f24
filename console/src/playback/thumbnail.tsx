// The picture of the moment under the pointer, while a person looks for a moment on the time line.
import { useEffect, useState } from "preact/hooks";
import { content } from "../api/client.ts";
import { failureOf, isAborted } from "../api/problem.ts";
import { useConsole } from "../shell/console-context.ts";
import { type Coverage, momentAt } from "./coverage.ts";
import { partOf, spanOf, type TimeWindow } from "./time-window.ts";

/** A camera has a keyframe at least this often, so one is found from a moment on. */
const KEYFRAME_WITHIN_MS = 10_000;
/** The pointer rests this long before a picture is requested. */
const RESTED_MS = 120;
/** There is one picture for each part of the time line; nearer moments share it. */
const PARTS = 200;
const MAX_KEPT = 100;

export interface Hovered {
  camera: string;
  atMs: number;
}

interface ThumbnailProps {
  hovered: Hovered | null;
  window: TimeWindow;
  coverageOf: (camera: string) => Coverage | undefined;
}

export function Thumbnail({ hovered, window, coverageOf }: ThumbnailProps) {
  const { texts } = useConsole();
  const url = useKeyframe(hovered, window, coverageOf);
  if (hovered === null || url === null) return null;
  const part = Math.max(0.08, Math.min(0.92, partOf(window, hovered.atMs)));
  return (
    <video
      class="thumbnail"
      src={url}
      muted
      playsInline
      aria-label={texts.playback.thumbnail}
      style={{ insetInlineStart: `${100 * part}%` }}
    />
  );
}

/** Return the address of a file with the keyframe of a moment; null while there is none. */
function useKeyframe(
  hovered: Hovered | null,
  window: TimeWindow,
  coverageOf: ThumbnailProps["coverageOf"],
): string | null {
  const [files] = useState(() => new Files());
  const [url, setUrl] = useState<string | null>(null);
  const path = hovered === null ? null : keyframePath(hovered, window, coverageOf);
  useEffect(() => () => files.close(), [files]);
  useEffect(() => {
    const kept = path === null ? null : files.get(path);
    setUrl(kept);
    if (path === null || kept !== null) return undefined;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      content(path, ending.signal).then(
        (blob) => setUrl(files.add(path, blob)),
        (error: unknown) => {
          // A moment without a picture is shown on the time line itself.
          if (!isAborted(error)) failureOf(error);
        },
      );
    }, RESTED_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [path, files]);
  return url;
}

function keyframePath(
  { camera, atMs }: Hovered,
  window: TimeWindow,
  coverageOf: ThumbnailProps["coverageOf"],
): string | null {
  const stepMs = Math.max(1000, spanOf(window) / PARTS);
  const fromMs = Math.floor(atMs / stepMs) * stepMs;
  if (momentAt(coverageOf(camera), fromMs).kind !== "recorded") return null;
  const query = new URLSearchParams({
    from: new Date(fromMs).toISOString(),
    to: new Date(fromMs + KEYFRAME_WITHIN_MS).toISOString(),
    every: `${KEYFRAME_WITHIN_MS / 1000}`,
  });
  return `/v1/cameras/${encodeURIComponent(camera)}/keyframes?${query}`;
}

/** The files that were loaded last, by their paths. */
class Files {
  private readonly urls = new Map<string, string>();

  get(path: string): string | null {
    return this.urls.get(path) ?? null;
  }

  add(path: string, file: Blob): string {
    const url = URL.createObjectURL(file);
    this.urls.set(path, url);
    for (const [oldest, old] of this.urls) {
      if (this.urls.size <= MAX_KEPT) break;
      this.urls.delete(oldest);
      URL.revokeObjectURL(old);
    }
    return url;
  }

  close(): void {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }
}
