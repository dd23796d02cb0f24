// The size of an element, as the page lays it out now.
import { useLayoutEffect, useState } from "preact/hooks";

export interface Size {
  widthPx: number;
  heightPx: number;
}

/** Return the size of the content of an element; before the first layout, that of a small page. */
export function useSize(element: { readonly current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ widthPx: 1000, heightPx: 400 });
  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      setSize({ widthPx: entry.contentRect.width, heightPx: entry.contentRect.height });
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
