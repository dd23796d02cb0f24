// Times of the shown window as a table, each with its camera, its cause and a way to it.
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import type { ListedRange } from "./listed-ranges.ts";

interface RangeListProps {
  class: string;
  title: string;
  /** What the rows mean; empty if the title says it. */
  advice?: string;
  rows: readonly ListedRange[];
  onSeek: (atMs: number) => void;
}

const MAX_SHOWN = 100;

export function RangeList({ class: class_, title, advice = "", rows, onSeek }: RangeListProps) {
  const { texts } = useConsole();
  return (
    <details class={`range-list ${class_}`}>
      <summary>{title}</summary>
      {advice && <p>{advice}</p>}
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
          {rows.slice(0, MAX_SHOWN).map((row) => (
            <Row key={`${row.camera} ${row.fromMs}`} row={row} onSeek={onSeek} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Row({ row, onSeek }: { row: ListedRange; onSeek: (atMs: number) => void }) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const end = (atMs: number) =>
    atMs === row.seekMs ? (
      <button type="button" onClick={() => onSeek(atMs)}>
        {time(atMs)}
      </button>
    ) : (
      time(atMs)
    );
  return (
    <tr>
      <td>{cameraName(cameras, row.camera)}</td>
      <td>{end(row.fromMs)}</td>
      <td>{row.isOngoing ? texts.playback.ongoing : end(row.toMs)}</td>
      <td>
        {row.cause} <span class="quiet">{row.detail}</span>
      </td>
    </tr>
  );
}
