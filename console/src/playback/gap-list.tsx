// The gaps of the shown part of time as a table, each with its cause and a way past it.
import { cameraName, useConsole, useSiteTimesIn, useTimes } from "../shell/console-context.ts";
import type { Coverage } from "./coverage.ts";
import type { TimeWindow } from "./time-window.ts";

interface GapListProps {
  cameras: readonly string[];
  coverageOf: (camera: string) => Coverage | undefined;
  window: TimeWindow;
  onSeek: (atMs: number) => void;
}

const MAX_SHOWN = 100;

export function GapList({ cameras, coverageOf, window, onSeek }: GapListProps) {
  const { texts, cameras: known } = useConsole();
  const time = useTimes();
  const inSiteTime = useSiteTimesIn();
  const rows = cameras
    .flatMap((camera) => (coverageOf(camera)?.gaps ?? []).map((gap) => ({ camera, gap })))
    .filter(({ gap }) => gap.fromMs < window.toMs && window.fromMs < gap.toMs)
    .sort((one, other) => one.gap.fromMs - other.gap.fromMs);
  return (
    <details class="gaps">
      <summary>{texts.playback.gaps(rows.length)}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.find.camera}</th>
            <th scope="col">{texts.find.from}</th>
            <th scope="col">{texts.find.to}</th>
            <th scope="col">{texts.cameras.columns.cause}</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_SHOWN).map(({ camera, gap }) => (
            <tr key={`${camera} ${gap.fromMs}`}>
              <td>{cameraName(known, camera)}</td>
              <td>{time(gap.fromMs)}</td>
              <td>
                {gap.isOngoing ? (
                  texts.playback.ongoing
                ) : (
                  <button type="button" onClick={() => onSeek(gap.toMs)}>
                    {time(gap.toMs)}
                  </button>
                )}
              </td>
              <td>
                {texts.playback.causes[gap.cause]}{" "}
                <span class="quiet">{inSiteTime(gap.detail)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
