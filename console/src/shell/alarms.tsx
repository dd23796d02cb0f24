// The alarms of the site: what a person must act on, on which node, and since when.
import { useEffect, useState } from "preact/hooks";
import { api, result, type Schemas } from "../api/client.ts";
import { sentenceOf } from "../api/message.ts";
import { ApiProblem, Offline } from "../api/problem.ts";
import { useConsole, useTimes } from "./console-context.ts";

type Alarm = Schemas["Alarm"];

const REFRESH_MS = 10_000;

export function Alarms() {
  const { texts, language } = useConsole();
  const time = useTimes();
  const alarms = useAlarms(language);
  if (alarms.length === 0) return null;
  return (
    <section class="alarms" aria-label={texts.alarms.title}>
      <ul aria-live="polite">
        {alarms.map((alarm) => (
          <li key={alarm.name + alarm.node}>
            <strong>{alarmText(alarm.name, texts.alarms.names)}</strong> {alarm.node},{" "}
            {time(alarm.since)}
            {texts.colon}
            {sentenceOf(alarm.message, alarm.sentence)}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Return the text of an alarm; its name if a newer node has raised it. */
function alarmText(name: string, names: Readonly<Record<string, string>>): string {
  return names[name] ?? name;
}

/** Read the alarms, and again in another `language`: they are sentences of the API. */
function useAlarms(language: string): readonly Alarm[] {
  const [alarms, setAlarms] = useState<readonly Alarm[]>([]);
  useEffect(() => {
    let isCurrent = true;
    let timer = 0;
    const read = async () => {
      try {
        const { items } = await result(api.GET("/v1/alarms"));
        if (isCurrent) setAlarms(items);
      } catch (error) {
        // The page itself says that the server does not answer; the alarms stay as they were.
        if (!(error instanceof ApiProblem || error instanceof Offline)) throw error;
      }
      if (isCurrent) timer = window.setTimeout(() => void read(), REFRESH_MS);
    };
    void read();
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [language]);
  return alarms;
}
