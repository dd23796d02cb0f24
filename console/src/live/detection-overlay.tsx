// Draws the boxes and readings of a picture over it. The picture keeps its proportions in the tile,
// and the drawing has the same.
import { useConsole } from "../shell/console-context.ts";
import type { Detection } from "./detection-tracks.ts";

interface DetectionOverlayProps {
  detections: readonly Detection[];
  widthPx: number;
  heightPx: number;
}

/** The height of a reading, as a part of the picture's height. */
const TEXT_PART = 0.045;

export function DetectionOverlay({ detections, widthPx, heightPx }: DetectionOverlayProps) {
  const { texts } = useConsole();
  const vehicles = detections.filter(({ kind }) => kind === "vehicle");
  const plates = vehicles
    .map(({ plate }) => plate)
    .filter(Boolean)
    .join(texts.list);
  const faces = detections.length - vehicles.length;
  const label = texts.live.detected(vehicles.length, faces, plates);
  const textPx = heightPx * TEXT_PART;
  return (
    <svg
      class="detections"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${widthPx} ${heightPx}`}
      preserveAspectRatio="xMidYMid meet"
    >
      {detections.map(({ kind, track, box: [left, top, right, bottom], plate }) => (
        <g key={`${kind} ${track}`} class={kind}>
          <rect
            x={left * widthPx}
            y={top * heightPx}
            width={(right - left) * widthPx}
            height={(bottom - top) * heightPx}
          />
          {plate !== "" && (
            <text
              x={left * widthPx}
              y={top * heightPx > textPx ? top * heightPx - textPx / 4 : bottom * heightPx + textPx}
              font-size={textPx}
            >
              {plate}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}
