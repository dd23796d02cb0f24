// The faults of a newer registry, which is therefore not in force.
import { useCallback } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { useConsole } from "../shell/console-context.ts";
import { useList } from "../shell/use-list.ts";

/** One line with the faults below it; nothing without faults, or if the person may not see them. */
export function RegistryFaults() {
  const { texts, language, cameras } = useConsole();
  // They are read again with the cameras, and in another language: they are sentences of the API.
  const read = useCallback(() => readFaults(), [language, cameras]);
  const { items } = useList(read);
  if (items === null || items.length === 0) return null;
  return (
    <details class="notice">
      <summary>{texts.cameras.registryFaults(items.length)}</summary>
      <ul>
        {items.map((fault) => (
          <li key={fault}>{fault}</li>
        ))}
      </ul>
    </details>
  );
}

async function readFaults(): Promise<readonly string[]> {
  const { registry_faults } = await result(api.GET("/readyz"));
  return registry_faults ?? [];
}
