// Reads the figures of the city page again and again: nodes, and the passings of the last hour.
import { useEffect, useState } from "preact/hooks";
import { allItems, api, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf } from "../api/problem.ts";
import type { NodeView } from "./city-figures.ts";

export interface City {
  /** Null for a person with a limited scope, who sees no nodes. */
  nodes: readonly NodeView[] | null;
  /** The passings of each minute of the last hour; null without the right to events. */
  minutes: readonly number[] | null;
  /** The checkpoints that were not completely analysed lately; null without the right to events. */
  unanalysed: Schemas["UnanalysedView"] | null;
  failure: Failure | null;
}

/** A search is in the audit log, so the figures are read once a minute. */
const REFRESH_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Of this time the last minute is not known yet. */
const LATELY_MS = 360_000;

export function useCity(maySeeNodes: boolean, mayFindEvents: boolean): City {
  const [city, setCity] = useState<City>({
    nodes: null,
    minutes: null,
    unanalysed: null,
    failure: null,
  });
  useEffect(() => {
    let isCurrent = true;
    let timer = 0;
    const read = async () => {
      const next = await figures(maySeeNodes, mayFindEvents);
      if (!isCurrent) return;
      // After a failure the last figures stay, with the failure above them.
      setCity((now) => ({ ...now, ...next }));
      timer = window.setTimeout(() => void read(), REFRESH_MS);
    };
    void read();
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [maySeeNodes, mayFindEvents]);
  return city;
}

async function figures(maySeeNodes: boolean, mayFindEvents: boolean): Promise<Partial<City>> {
  try {
    const [nodes, hour, lately] = await Promise.all([
      maySeeNodes ? readNodes() : null,
      mayFindEvents ? readPassings(HOUR_MS) : null,
      mayFindEvents ? readPassings(LATELY_MS) : null,
    ]);
    const minutes = hour?.counts ?? null;
    return { nodes, minutes, unanalysed: lately?.unanalysed ?? null, failure: null };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function readNodes(): Promise<NodeView[]> {
  return allItems((next) => {
    const query = next === undefined ? {} : { next };
    return result(api.GET("/v1/nodes", { params: { query } }));
  });
}

/** Read the passings of each minute since a time ago, and what may be missing among them. */
function readPassings(sinceMs: number) {
  const query = { from: new Date(Date.now() - sinceMs).toISOString(), bucket_s: 60 };
  return result(api.GET("/v1/events/histogram", { params: { query } }));
}
