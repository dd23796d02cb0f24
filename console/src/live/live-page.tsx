// Live: a wall of cameras. Small tiles show the sub-stream, a single tile the main stream.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { matchingCameras } from "../find/camera-choice.ts";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Select } from "../shell/select.tsx";
import { Empty, NoRight } from "../shell/states.tsx";
import { LiveTile } from "./live-tile.tsx";
import {
  parametersOfWall,
  resized,
  SIZES,
  type Wall,
  wallOf,
  withCamera,
  withTile,
} from "./wall.ts";

const MAX_LISTED = 200;

export function LivePage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "live_view")) return <NoRight right="live_view" />;
  return <LiveWall address={parameters.toString()} />;
}

function LiveWall({ address }: { address: string }) {
  const { texts } = useConsole();
  const wall = useMemo(() => wallOf(new URLSearchParams(address)), [address]);
  const open = (next: Wall) => navigate("live", parametersOfWall(next));
  const columns = Math.sqrt(wall.size);
  return (
    <div class="live-page">
      <CameraChoice wall={wall} onChoose={(id) => open(withCamera(wall, id))}>
        <Select
          label={texts.live.tiles}
          value={`${wall.size}`}
          options={SIZES.map((size) => [`${size}`, `${size}`] as const)}
          onChange={(text) => open(resized(wall, SIZES.find((one) => `${one}` === text) ?? 1))}
        />
      </CameraChoice>
      <div class="wall" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
        {wall.cameras.map((id, tile) =>
          id === "" ? (
            <Empty key={tile} title={texts.live.free} />
          ) : (
            <LiveTile
              key={id}
              id={id}
              isLarge={wall.size === 1}
              onEnlarge={() => open({ size: 1, cameras: [id] })}
              onClear={() => open(withTile(wall, tile, ""))}
            />
          ),
        )}
      </div>
    </div>
  );
}

interface CameraChoiceProps {
  wall: Wall;
  onChoose: (id: string) => void;
  children: ComponentChildren;
}

function CameraChoice({ wall, onChoose, children }: CameraChoiceProps) {
  const { texts, cameras } = useConsole();
  const [text, setText] = useState("");
  const found = matchingCameras([...cameras.values()], text);
  return (
    <section class="areas" aria-label={texts.cameras.title}>
      {children}
      <label class="field">
        <span>{texts.cameras.filter}</span>
        <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <ul>
        {found.slice(0, MAX_LISTED).map((camera) => (
          <li key={camera.id}>
            <button
              type="button"
              aria-pressed={wall.cameras.includes(camera.id)}
              onClick={() => onChoose(camera.id)}
            >
              {camera.name}
            </button>
          </li>
        ))}
      </ul>
      {found.length > MAX_LISTED && <p class="hint">{texts.live.moreCameras}</p>}
    </section>
  );
}
