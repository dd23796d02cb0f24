// The playback of a page: it is created once, and what it shows is the page's state.
import { useEffect, useState } from "preact/hooks";
import { Playback, type PlaybackView } from "./playback.ts";

export interface PlaybackOnPage {
  playback: Playback;
  view: PlaybackView;
}

/** Return the playback, which begins at `startMs`; null until it is created. */
export function usePlayback(startMs: number): PlaybackOnPage | null {
  const [playback, setPlayback] = useState<Playback | null>(null);
  const [view, setView] = useState<PlaybackView | null>(null);
  useEffect(() => {
    const created = new Playback(startMs, setView);
    setPlayback(created);
    setView(created.view());
    return () => created.end();
    // Later moments of the address are sought by the page.
  }, []);
  return playback === null || view === null ? null : { playback, view };
}
