// The one reachability of this page, and hooks that follow it.
import { useEffect, useRef, useState } from "preact/hooks";
import { Reachability } from "./reachability.ts";

export const reachability = new Reachability(
  async () => {
    try {
      return (await fetch("/healthz", { cache: "no-store", credentials: "omit" })).ok;
    } catch {
      // Still no answer: that is what the probe reports.
      return false;
    }
  },
  (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
);

window.addEventListener("offline", () => void reachability.missed());

export function useIsReachable(): boolean {
  const [isReachable, setReachable] = useState(reachability.isReachable);
  useEffect(() => reachability.listen(setReachable), []);
  return isReachable;
}

/** Call `act` when the API answers again, while `isOn`. */
export function useRecovery(isOn: boolean, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!isOn) return undefined;
    return reachability.listen((isReachable) => {
      if (isReachable) latest.current();
    });
  }, [isOn]);
}
