// The results on paper: who printed what, for which reason, and one line for each result.
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { confidencePercent, tieText, wayOf } from "./facts.ts";
import { plateText } from "./plate-badge.tsx";
import type { Found } from "./reading.ts";
import { parametersOf, type Search } from "./search.ts";

export function PrintList({ search, found }: { search: Search; found: readonly Found[] }) {
  const { texts, cameras, session, purpose, zone } = useConsole();
  const time = useTimes();
  const { columns } = texts.find;
  const filters = [...parametersOf(search)].map(([name, value]) => `${name}=${value}`);
  return (
    <section class="print-only">
      <h1>
        {texts.product}
        {texts.colon}
        {texts.find.results}
      </h1>
      <p>
        {session.name}, {time(Date.now())} ({zone})
      </p>
      <p>
        {texts.reason.reason}
        {texts.colon}
        {purpose.reason || "-"}
        {texts.list}
        {texts.reason.currentCase}
        {texts.colon}
        {purpose.case || "-"}
      </p>
      <p>
        {texts.find.search}
        {texts.colon}
        {filters.join(texts.list) || texts.find.all}
      </p>
      <table>
        <thead>
          <tr>
            <th>{columns.plate}</th>
            <th>{columns.time}</th>
            <th>{columns.camera}</th>
            <th>{columns.direction}</th>
            <th>{columns.confidence}</th>
            <th>{columns.match}</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ event, match }) => (
            <tr key={event.id}>
              <td>{plateText(event, texts)}</td>
              <td>{time(event.started_at)}</td>
              <td>{cameraName(cameras, event.camera)}</td>
              <td>{wayOf(event, texts)}</td>
              <td>{confidencePercent(event)} %</td>
              <td>{tieText(match, texts)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
