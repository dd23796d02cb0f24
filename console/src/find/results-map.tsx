// The results of a search on the map, and the circle or polygon that limits the search.
import { useMemo } from "preact/hooks";
import { dotsOf, labelsOf } from "../map/camera-dots.ts";
import { MapCanvas } from "../map/map-canvas.tsx";
import { EMPTY_CONTENT } from "../map/map-content.ts";
import { filtersOfShape, shapeOf } from "../map/shape.ts";
import { cameraName, useConsole } from "../shell/console-context.ts";
import type { Found } from "./reading.ts";
import { countsByCamera } from "./results-by-camera.ts";
import type { Search } from "./search.ts";

interface ResultsMapProps {
  search: Search;
  found: readonly Found[];
  highlighted: string | null;
  onHover: (camera: string | null) => void;
  onOpen: (index: number) => void;
  onSearch: (changed: Partial<Search>) => void;
}

export function ResultsMap(props: ResultsMapProps) {
  const { texts, cameras, areas } = useConsole();
  const { found, search } = props;
  const { near, within } = search;
  const ground = useMemo(
    () => ({
      dots: dotsOf(cameras.values(), "quiet"),
      labels: labelsOf(areas, cameras.values()),
    }),
    [cameras, areas],
  );
  const content = useMemo(() => {
    const marks = countsByCamera(found).map(({ camera, place, count }) => ({
      id: camera,
      place,
      text: `${count}`,
      title: `${cameraName(cameras, camera)}${texts.colon}${texts.find.shown(count, true)}`,
    }));
    return { ...EMPTY_CONTENT, ...ground, marks, shape: shapeOf(near, within) };
  }, [ground, found, cameras, texts, near, within]);
  return (
    <MapCanvas
      content={content}
      label={texts.map.results}
      highlighted={props.highlighted}
      onHover={props.onHover}
      onPick={(camera) => {
        const index = found.findIndex((one) => one.event.camera === camera);
        if (index === -1) props.onSearch({ camera });
        else props.onOpen(index);
      }}
      onShape={(shape) => props.onSearch(filtersOfShape(shape))}
    />
  );
}
