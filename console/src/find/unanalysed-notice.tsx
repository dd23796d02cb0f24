// What a search could not have found: the cameras and times that were not analysed completely.
import type { Schemas } from "../api/client.ts";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";

type View = Schemas["UnanalysedView"];

/** One line with the details below it; nothing if every checkpoint was analysed all the time. */
export function UnanalysedNotice({ view }: { view: View | null | undefined }) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const words = texts.unanalysed;
  if (!view || view.camera_count === 0) return null;
  return (
    <details class="notice unanalysed">
      <summary>{words.summary(view.camera_count, minutesOf(view.missing_ms))}</summary>
      <p>{words.meaning}</p>
      <ul>
        {view.cameras.map((one) => (
          <li key={one.camera}>
            {cameraName(cameras, one.camera)}
            {texts.colon}
            {words.minutes(minutesOf(one.missing_ms))}
            <ul>
              {one.ranges.map((range) => (
                <li key={range.from}>
                  {words.range(time(range.from), time(range.to), words.causes[range.cause])}
                </li>
              ))}
              {one.is_summary && <li>{words.more}</li>}
            </ul>
          </li>
        ))}
        {view.is_summary && <li>{words.more}</li>}
      </ul>
    </details>
  );
}

function minutesOf(durationMs: number): number {
  return Math.max(1, Math.round(durationMs / 60_000));
}
