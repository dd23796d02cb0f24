// The cameras and areas of the site, for names and for the page of cameras.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type AreaView, allItems, api, type CameraView, result } from "../api/client.ts";
import { type Failure, failureOf } from "../api/problem.ts";

export interface Cameras {
  all: ReadonlyMap<string, CameraView>;
  areas: readonly AreaView[];
  isLoaded: boolean;
  failure: Failure | null;
  reload: () => void;
}

const REFRESH_MS = 10_000;

/**
 * Read the cameras if the person may, and read them again while `isWatched`, and in another
 * `language`: the causes are sentences of the API.
 */
export function useCameras(mayRead: boolean, isWatched: boolean, language: string): Cameras {
  const [all, setAll] = useState<ReadonlyMap<string, CameraView>>(new Map());
  const [areas, setAreas] = useState<readonly AreaView[]>([]);
  const [isLoaded, setLoaded] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((now) => now + 1), []);

  useEffect(() => {
    if (!mayRead) return undefined;
    let isCurrent = true;
    let timer = 0;
    const read = async () => {
      let failed: Failure | null = null;
      try {
        const [cameras, tree] = await Promise.all([readCameras(), readAreas()]);
        if (!isCurrent) return;
        setAll(new Map(cameras.map((camera) => [camera.id, camera])));
        setAreas(tree);
        setLoaded(true);
      } catch (error) {
        failed = failureOf(error);
      }
      if (!isCurrent) return;
      setFailure(failed);
      if (isWatched) timer = window.setTimeout(() => void read(), REFRESH_MS);
    };
    void read();
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [mayRead, isWatched, language, round]);

  return { all, areas, isLoaded, failure, reload };
}

function readCameras(): Promise<CameraView[]> {
  return allItems((next) => {
    const query = { limit: 1000, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/cameras", { params: { query } }));
  });
}

function readAreas(): Promise<AreaView[]> {
  return allItems((next) => {
    const query = { limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/areas", { params: { query } }));
  });
}
