// Starts the shared worker of the feeds, as far as this browser has shared workers.
import { workerScript } from "../shell/worker-script.ts";

/** Return the worker; null if the browser has none. */
export function startSharedWorker(): SharedWorker | null {
  if (!("SharedWorker" in window)) return null;
  return new SharedWorker(workerScript("feeds"), { type: "module", name: "feeds" });
}
