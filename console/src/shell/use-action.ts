// A change that a form or a button requests: whether it runs, and why it has failed.
import { useState } from "preact/hooks";
import { ApiProblem, failureOf } from "../api/problem.ts";
import { useConsole } from "./console-context.ts";

export interface Action {
  /** Why the last attempt has failed; empty otherwise. */
  notice: string;
  isBusy: boolean;
  /** Run a change; what follows it belongs into `change` too, because a failure ends it. */
  run: (change: () => Promise<void>) => Promise<void>;
}

export function useAction(): Action {
  const { texts } = useConsole();
  const [notice, setNotice] = useState("");
  const [isBusy, setBusy] = useState(false);
  const run = async (change: () => Promise<void>) => {
    setBusy(true);
    setNotice("");
    try {
      await change();
    } catch (error) {
      const failure = failureOf(error);
      setNotice(failure instanceof ApiProblem ? failure.message : texts.states.offline);
    } finally {
      setBusy(false);
    }
  };
  return { notice, isBusy, run };
}
