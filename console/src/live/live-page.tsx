// Live: a wall of cameras. Small tiles show the sub-stream, a single tile the main stream.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { matchingCameras } from "../find/camera-choice.ts";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Select } from "../shell/select.tsx";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { useList } from "../shell/use-list.ts";
import { LiveTile } from "./live-tile.tsx";
import {
  addressedWall,
  isSameWall,
  newestView,
  parametersOfView,
  wallOfView,
} from "./saved-view.ts";
import { readSavedViews, type SavedView, SavedViews } from "./saved-views.tsx";
import { resized, SIZES, type Wall, wallOf, wallShowing, withCamera, withTile } from "./wall.ts";

const MAX_LISTED = 200;
const MOST_TILES = 25;
const EMPTY_WALL = wallOf(new URLSearchParams());

export function LivePage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "live_view")) return <NoRight right="live_view" />;
  return <LiveWall address={parameters.toString()} />;
}

function LiveWall({ address }: { address: string }) {
  const { texts } = useConsole();
  const views = useList(readSavedViews);
  const { viewId, wall: ownWall } = useMemo(
    () => addressedWall(new URLSearchParams(address)),
    [address],
  );
  const [saved, setSaved] = useState<SavedView | null>(null);
  const view = newestView(views.items ?? [], saved, viewId);
  const wall = useMemo(
    () => ownWall ?? (view === undefined ? EMPTY_WALL : wallOfView(view)),
    [ownWall, view],
  );
  const open = (next: Wall) => navigate("live", parametersOfView(viewId, next));
  const openView = (id: string) => navigate("live", parametersOfView(id, id === "" ? wall : null));
  if (ownWall === null && view === undefined) {
    if (views.failure !== null) return <Failed failure={views.failure} onRetry={views.reload} />;
    if (views.items === null) return <Loading />;
  }
  const columns = Math.sqrt(wall.size);
  return (
    <div class="live-page">
      <CameraChoice
        wall={wall}
        onChoose={(id) => open(withCamera(wall, id))}
        onShow={(ids) => open(wallShowing(ids))}
      >
        {views.failure === null ? (
          <SavedViews
            views={views}
            chosen={view}
            wall={wall}
            onOpen={openView}
            onSaved={(next) => {
              setSaved(next);
              // A new name leaves tiles that differ from those of the view as they are.
              navigate(
                "live",
                parametersOfView(next.id, isSameWall(wallOfView(next), wall) ? null : wall),
              );
            }}
          />
        ) : (
          <Failed failure={views.failure} onRetry={views.reload} />
        )}
        {viewId !== "" && views.items !== null && view === undefined && (
          <p class="notice" role="alert">
            {texts.savedViews.absent}
          </p>
        )}
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
  /** Show exactly these cameras. */
  onShow: (ids: string[]) => void;
  children: ComponentChildren;
}

function CameraChoice({ wall, onChoose, onShow, children }: CameraChoiceProps) {
  const { texts, cameras } = useConsole();
  const [text, setText] = useState("");
  const found = matchingCameras([...cameras.values()], text, true);
  return (
    <section class="areas" aria-label={texts.cameras.title}>
      {children}
      <label class="field">
        <span>{texts.live.filter}</span>
        <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {text !== "" && found.length > 0 && found.length <= MOST_TILES && (
        <button
          type="button"
          class="primary show-found"
          onClick={() => onShow(found.map(({ id }) => id))}
        >
          {texts.live.showFound(found.length)}
        </button>
      )}
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
