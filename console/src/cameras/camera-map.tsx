// The cameras of the page on the map, in the colours of their states.
import { useMemo } from "preact/hooks";
import type { CameraView } from "../api/client.ts";
import { dotsOf, labelsOf } from "../map/camera-dots.ts";
import { MapCanvas } from "../map/map-canvas.tsx";
import { EMPTY_CONTENT } from "../map/map-content.ts";
import { useConsole } from "../shell/console-context.ts";

interface CameraMapProps {
  cameras: readonly CameraView[];
  onOpen: (id: string) => void;
}

export function CameraMap({ cameras, onOpen }: CameraMapProps) {
  const { texts, areas } = useConsole();
  const content = useMemo(() => {
    const dots = dotsOf(cameras, null).map((dot, index) => {
      const state = cameras[index]?.state ?? "unknown";
      return { ...dot, title: dot.title + texts.list + (texts.cameras.states[state] ?? state) };
    });
    return { ...EMPTY_CONTENT, dots, labels: labelsOf(areas, cameras) };
  }, [cameras, areas, texts]);
  return <MapCanvas content={content} label={texts.map.cameras} onPick={onOpen} />;
}
