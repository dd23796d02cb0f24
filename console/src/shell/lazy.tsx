// A page that is loaded when it is first shown, so that the first view needs few scripts.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Offline } from "../api/problem.ts";
import { Failed, Loading } from "./states.tsx";

/** Return a component whose module `load` fetches at its first use. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props) {
    const [failure, setFailure] = useState<Offline | null>(null);
    const [round, setRound] = useState(0);
    const [, setLoaded] = useState(loaded !== null);
    useEffect(() => {
      if (loaded !== null) return undefined;
      let isCurrent = true;
      setFailure(null);
      load().then(
        (component) => {
          loaded = component;
          if (isCurrent) setLoaded(true);
        },
        (error: unknown) => {
          if (isCurrent) setFailure(new Offline(String(error)));
        },
      );
      return () => {
        isCurrent = false;
      };
    }, [round]);
    const Component = loaded;
    if (Component !== null) return <Component {...props} />;
    if (failure !== null) return <Failed failure={failure} onRetry={() => setRound(round + 1)} />;
    return <Loading />;
  };
}
