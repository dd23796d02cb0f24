// Playback: the recordings of one or several cameras in step, on one time line.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Failure, failureOf } from "../api/problem.ts";
import { CameraField } from "../find/camera-field.tsx";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { Menu } from "../shell/menu.tsx";
import { navigate } from "../shell/route.ts";
import { Empty, Failed, NoRight } from "../shell/states.tsx";
import { useSize } from "../shell/use-size.ts";
import { Controls } from "./controls.tsx";
import { listedAnalysis, listedGaps } from "./listed-ranges.ts";
import type { Playback, PlaybackView } from "./playback.ts";
import {
  MAX_CAMERAS,
  type PlaybackQuery,
  parametersOf,
  queryOf,
  rangeOf,
} from "./playback-query.ts";
import { PlaybackTile } from "./playback-tile.tsx";
import { RangeBar } from "./range-bar.tsx";
import { RangeList } from "./range-list.tsx";
import { RangeMenu } from "./range-menu.tsx";
import { type Hovered, Thumbnail } from "./thumbnail.tsx";
import { TimeLine } from "./time-line.tsx";
import { TimeText } from "./time-text.tsx";
import { following, type TimeWindow, windowAround, withPosition } from "./time-window.ts";
import { neighbour, useMarks } from "./use-marks.ts";
import { usePlayback } from "./use-playback.ts";
import { bestColumns } from "./wall-columns.ts";

const HOUR_MS = 3_600_000;
/** Without a moment in the address, playback begins this long ago, when all is on disk. */
const START_AGO_MS = 60_000;
/** A moment is put into the address when the position has rested this long. */
const RESTED_MS = 700;

export function PlaybackPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "recordings_read")) return <NoRight right="recordings_read" />;
  return <PlaybackOf address={parameters.toString()} />;
}

function PlaybackOf({ address }: { address: string }) {
  const query = useMemo(() => queryOf(new URLSearchParams(address)), [address]);
  const [startMs] = useState(() => query.atMs ?? query.fromMs ?? Date.now() - START_AGO_MS);
  const created = usePlayback(startMs);
  if (created === null) return null;
  return <Recordings query={query} startMs={startMs} {...created} />;
}

interface RecordingsProps {
  query: PlaybackQuery;
  startMs: number;
  playback: Playback;
  view: PlaybackView;
}

function Recordings({ query, startMs, playback, view }: RecordingsProps) {
  const { texts, language, session } = useConsole();
  const { cameras } = query;
  const range = rangeOf(query);
  const [window, setWindow] = useWindow(startMs, view.positionMs);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const marks = useMarks(cameras, window, hasRight(session, "events_read"));
  const open = (changed: Partial<PlaybackQuery>, isNew = true) =>
    navigate("playback", parametersOf({ ...query, ...changed }), isNew);
  const seek = useAddressedMoment(query, playback, view, open);
  useEffect(() => {
    const shown = withPosition(window, view.positionMs);
    playback.coverage.ensure(cameras, shown, Date.now(), language);
  });

  const showEvent = async (direction: 1 | -1) => {
    setFailure(null);
    try {
      const event = await neighbour(cameras, playback.positionMs, direction);
      if (event !== null) seek(Date.parse(event.started_at));
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  const add = (id: string) => {
    if (id !== "" && !cameras.includes(id)) open({ cameras: [...cameras, id] });
  };
  const coverageOf = (camera: string) => playback.coverage.of(camera);
  const gaps = listedGaps(cameras, coverageOf, window, texts);
  const notAnalysed = listedAnalysis(cameras, coverageOf, window, texts);
  const shownFailure = failure ?? playback.coverage.failure ?? marks.failure;
  return (
    <div class="playback">
      <div class={cameras.length === 0 ? "stack playback-start" : "playback-stage"}>
        {cameras.length === 0 ? (
          <>
            <CameraField camera="" onChange={add} />
            <Empty title={texts.playback.ask} advice={texts.playback.askAdvice} />
          </>
        ) : (
          <>
            <PictureWall count={cameras.length}>
              {cameras.map((camera) => (
                <PlaybackTile
                  key={camera}
                  {...{ camera, playback, view }}
                  onRemove={() => open({ cameras: cameras.filter((one) => one !== camera) })}
                />
              ))}
            </PictureWall>
            <Controls
              {...{ playback, view, window }}
              onWindow={setWindow}
              onSeek={seek}
              onEvent={(direction) => void showEvent(direction)}
            >
              <RangeMenu
                query={query}
                positionMs={view.positionMs}
                onChange={(changed) => open(changed, false)}
              />
              {cameras.length < MAX_CAMERAS && (
                <Menu
                  key={cameras.join(",")}
                  label={texts.playback.addCamera}
                  title={texts.playback.addCameraFor}
                >
                  {() => <CameraField camera="" onChange={add} />}
                </Menu>
              )}
            </Controls>
            {range !== null && (
              <RangeBar
                {...{ cameras, range, coverageOf }}
                onClear={() => open({ fromMs: null, toMs: null }, false)}
              />
            )}
            <div class="time-space">
              <Thumbnail {...{ hovered, window, coverageOf }} />
            </div>
            <TimeLine
              {...{ window, cameras, coverageOf, range }}
              positionMs={view.positionMs}
              events={marks.events}
              onSeek={seek}
              onWindow={setWindow}
              onRange={(part) => open(part, false)}
              onHover={setHovered}
            />
            <TimeText
              {...{ cameras, coverageOf, view }}
              hoverMs={hovered?.atMs ?? null}
              hasMoreEvents={marks.hasMore}
            />
          </>
        )}
      </div>
      {cameras.length > 0 && (
        <>
          {shownFailure && (
            <Failed failure={shownFailure} onRetry={() => seek(playback.positionMs)} />
          )}
          <RangeList
            class="gaps"
            title={texts.playback.gaps(gaps.length)}
            rows={gaps}
            onSeek={seek}
          />
          {notAnalysed.length > 0 && (
            <RangeList
              class="partly-list"
              title={texts.unanalysed.shown(notAnalysed.length)}
              advice={texts.unanalysed.meaning}
              rows={notAnalysed}
              onSeek={seek}
            />
          )}
        </>
      )}
    </div>
  );
}

/** The window follows a position that leaves it; a person can move it away from a position. */
function useWindow(
  startMs: number,
  positionMs: number,
): [TimeWindow, (window: TimeWindow) => void] {
  const [window, setWindow] = useState(() => windowAround(startMs, HOUR_MS));
  useEffect(() => setWindow((now) => following(now, positionMs)), [positionMs]);
  return [window, setWindow];
}

/**
 * Seek where another address leads, and keep the address at the position when that rests.
 *
 * Returns the function that seeks.
 */
function useAddressedMoment(
  query: PlaybackQuery,
  playback: Playback,
  view: PlaybackView,
  open: (changed: Partial<PlaybackQuery>, isNew: boolean) => void,
): (atMs: number) => void {
  const written = useRef(query.atMs);
  useEffect(() => {
    if (query.atMs === written.current || query.atMs === null) return;
    written.current = query.atMs;
    playback.seek(query.atMs);
  }, [query.atMs, playback]);
  const { positionMs, isPlaying } = view;
  useEffect(() => {
    const atMs = Math.floor(positionMs);
    if (isPlaying || atMs === written.current) return undefined;
    const timer = setTimeout(() => {
      written.current = atMs;
      open({ atMs }, false);
    }, RESTED_MS);
    return () => clearTimeout(timer);
  });
  return (atMs) => playback.seek(atMs);
}

/** The pictures in as many columns as make them largest. */
function PictureWall({ count, children }: { count: number; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  const { widthPx, heightPx } = useSize(element);
  const columns = bestColumns(count, widthPx, heightPx);
  return (
    <div
      ref={element}
      class="wall"
      style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
    >
      {children}
    </div>
  );
}
