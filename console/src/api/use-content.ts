// Pictures and clips of the API in a page: their address for an element, or why there is none.
import { useEffect, useState } from "preact/hooks";
import { content } from "./client.ts";
import { ownerOfCredentials, usesToken } from "./credentials.ts";
import { MissingContent, waitBeforeRetryS } from "./missing-content.ts";
import { ApiProblem, type Failure, failureOf, isAborted } from "./problem.ts";

export interface Content {
  url: string | null;
  failure: Failure | null;
}

const NOTHING: Content = { url: null, failure: null };
/** A picture that is scrolled past sooner is not requested: each request is in the audit log. */
const SETTLED_MS = 80;
const missing = new MissingContent();

/**
 * Load a picture. One that is not stored yet is requested again, a few times.
 *
 * With `isAskedAnew`, a person has asked for it, so it is requested although it was missing before.
 *
 * An `<img>` could not send a token or a reason, so the picture is fetched as a whole.
 */
export function usePicture(path: string | null, isAskedAnew = false): Content {
  const [loaded, setLoaded] = useState<Content>(NOTHING);
  useEffect(() => {
    setLoaded(NOTHING);
    if (path === null) return undefined;
    return load(path, setLoaded, isAskedAnew);
  }, [path, isAskedAnew]);
  return loaded;
}

/** Return the address of a clip: a session's cookie is sent by the player itself. */
export function useClip(path: string, isAskedAnew: boolean): Content {
  const fetched = usePicture(usesToken() ? path : null, isAskedAnew);
  return usesToken() ? fetched : { url: path, failure: null };
}

/** Load a path, pass on what is known of it, and return what ends that. */
function load(path: string, show: (content: Content) => void, isAskedAnew: boolean): () => void {
  const owner = ownerOfCredentials();
  const known = isAskedAnew ? null : missing.of(owner, path, Date.now());
  if (known !== null) {
    show({ url: null, failure: known });
    return () => undefined;
  }
  const ending = new AbortController();
  let url: string | null = null;
  let timer = 0;
  const attempt = async (tries: number) => {
    try {
      url = URL.createObjectURL(await content(path, ending.signal));
      if (ending.signal.aborted) URL.revokeObjectURL(url);
      else show({ url, failure: null });
    } catch (error) {
      if (isAborted(error)) return;
      const failure = failureOf(error);
      show({ url: null, failure });
      const refusal = failure instanceof ApiProblem ? failure : null;
      const waitS = waitBeforeRetryS(refusal, tries);
      if (waitS === null) missing.note(owner, path, failure, Date.now());
      else timer = window.setTimeout(() => void attempt(tries + 1), 1000 * waitS);
    }
  };
  timer = window.setTimeout(() => void attempt(1), SETTLED_MS);
  return () => {
    ending.abort();
    window.clearTimeout(timer);
    if (url !== null) URL.revokeObjectURL(url);
  };
}
