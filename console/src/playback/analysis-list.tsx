// The times of the shown window in which passings may be missing, each with its cause.
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { type Coverage, partlyAnalysedIn } from "./coverage.ts";
import type { TimeWindow } from "./time-window.ts";

interface AnalysisListProps {
  cameras: readonly string[];
  coverageOf: (camera: string) => Coverage | undefined;
  window: TimeWindow;
  onSeek: (atMs: number) => void;
}

const MAX_SHOWN = 100;

/** Nothing if every shown checkpoint was analysed all the time. */
export function AnalysisList({ cameras, coverageOf, window, onSeek }: AnalysisListProps) {
  const { texts, cameras: known } = useConsole();
  const time = useTimes();
  const words = texts.unanalysed;
  const rows = partlyAnalysedIn(cameras, coverageOf, window);
  if (rows.length === 0) return null;
  return (
    <details class="partly-list">
      <summary>{words.shown(rows.length)}</summary>
      <p>{words.meaning}</p>
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
          {rows.slice(0, MAX_SHOWN).map(({ camera, part }) => (
            <tr key={`${camera} ${part.fromMs}`}>
              <td>{cameraName(known, camera)}</td>
              <td>
                <button type="button" onClick={() => onSeek(part.fromMs)}>
                  {time(part.fromMs)}
                </button>
              </td>
              <td>{time(part.toMs)}</td>
              <td>{words.causes[part.cause]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
