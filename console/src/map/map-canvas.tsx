// A map in a page: cameras, marks and legs; it is moved by pointer and keys, and can draw a shape.
import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import type { MapContent } from "./map-content.ts";
import { type Drawing, MapView } from "./map-view.ts";
import type { Point } from "./projection.ts";
import type { Shape } from "./shape.ts";
import { tileSource } from "./tiles.ts";

interface MapCanvasProps {
  content: MapContent;
  /** What the map shows, for screen readers. */
  label: string;
  /** The camera that is pointed at in a list next to the map. */
  highlighted?: string | null;
  onHover?: (id: string | null) => void;
  onPick?: (id: string) => void;
  /** Present where a shape may be drawn. */
  onShape?: (shape: Shape | null) => void;
}

interface Hint {
  text: string;
  at: Point;
}

const ZOOM_STEP = 1.5;

export function MapCanvas(props: MapCanvasProps) {
  const { texts, language, preferences, site } = useConsole();
  const { map } = texts;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<MapView | null>(null);
  const [drawing, setDrawing] = useState<Drawing>(null);
  const [hint, setHint] = useState<Hint | null>(null);
  const [haveTilesFailed, setTilesFailed] = useState(false);
  // The map calls the functions of the latest props.
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (canvas.current === null) return undefined;
    const tiles = site.map_tiles && tileSource(site.map_tiles, site.map_zooms, site.map_schema);
    const made = new MapView(canvas.current, tiles || null, language, {
      onHover: (id, at) => {
        const title = id === null ? null : titleOf(latest.current.content, id);
        setHint(title === null ? null : { text: title, at });
        latest.current.onHover?.(id);
      },
      onPick: (id) => latest.current.onPick?.(id),
      onShape: (shape) => {
        setDrawing(null);
        latest.current.onShape?.(shape);
      },
      onTilesFail: () => setTilesFailed(true),
    });
    view.current = made;
    return () => made.end();
  }, [site]);
  useEffect(() => view.current?.show(props.content), [props.content]);
  useEffect(() => view.current?.highlight(props.highlighted ?? null), [props.highlighted]);
  useEffect(() => view.current?.speak(language), [language]);
  // Another theme has other colours.
  useEffect(() => view.current?.recolor(), [preferences.theme]);
  useEffect(() => {
    if (view.current !== null) view.current.drawing = drawing;
    if (drawing === null) view.current?.cancel();
  }, [drawing]);

  return (
    <section class="map" aria-label={props.label}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`${props.label}${texts.list}${map.keys}`}
      />
      <div class="map-buttons">
        <button
          type="button"
          aria-label={map.enlarge}
          onClick={() => view.current?.zoom(ZOOM_STEP)}
        >
          +
        </button>
        <button
          type="button"
          aria-label={map.reduce}
          onClick={() => view.current?.zoom(1 / ZOOM_STEP)}
        >
          −
        </button>
        <button type="button" onClick={() => view.current?.fit()}>
          {map.fit}
        </button>
        {props.onShape && (
          <ShapeButtons
            drawing={drawing}
            hasShape={props.content.shape !== null}
            onDrawing={setDrawing}
            onVisible={() => props.onShape?.(view.current?.visibleCircle() ?? null)}
            onClear={() => props.onShape?.(null)}
          />
        )}
      </div>
      {drawing !== null && <p class="map-note">{map.drawingHints[drawing]}</p>}
      {haveTilesFailed && <p class="map-note">{map.tilesFailed}</p>}
      {site.map_attribution !== null && <small class="map-source">{site.map_attribution}</small>}
      {hint && (
        <span class="map-hint" style={{ left: `${hint.at.x}px`, top: `${hint.at.y}px` }}>
          {hint.text}
        </span>
      )}
    </section>
  );
}

interface ShapeButtonsProps {
  drawing: Drawing;
  hasShape: boolean;
  onDrawing: (drawing: Drawing) => void;
  onVisible: () => void;
  onClear: () => void;
}

function ShapeButtons(props: ShapeButtonsProps) {
  const { map } = useConsole().texts;
  return (
    <>
      {(["circle", "polygon"] as const).map((kind) => (
        <button
          key={kind}
          type="button"
          aria-pressed={props.drawing === kind}
          onClick={() => props.onDrawing(props.drawing === kind ? null : kind)}
        >
          {map.draw[kind]}
        </button>
      ))}
      <button type="button" onClick={props.onVisible}>
        {map.searchVisible}
      </button>
      {props.hasShape && (
        <button type="button" onClick={props.onClear}>
          {map.clearShape}
        </button>
      )}
    </>
  );
}

function titleOf({ marks, dots }: MapContent, id: string): string | null {
  return [...marks, ...dots].find((one) => one.id === id)?.title ?? null;
}
