// A long list of rows, of which only those in view are in the document.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useState } from "preact/hooks";

interface RowsProps {
  scroller: RefObject<HTMLElement | null>;
  count: number;
  rowHeightPx: number;
  /** `rowHeightPx` is the least height of a row; each is as high as its content. */
  isMeasured?: boolean;
  /** The row that must be in view, for example because it has the focus. */
  visibleRow: number | null;
  onEnd: () => void;
  row: (index: number) => ComponentChildren;
}

const OVERSCAN = 4;

export function VirtualRows(props: RowsProps) {
  const { scroller, count, rowHeightPx, isMeasured = false, visibleRow, onEnd } = props;
  const [, rerender] = useReducer((round: number) => round + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeightPx,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    overscan: OVERSCAN,
    onChange: () => rerender(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeightPx]);
  useLayoutEffect(() => {
    if (visibleRow !== null) virtualizer.scrollToIndex(visibleRow);
  }, [virtualizer, visibleRow]);

  const items = virtualizer.getVirtualItems();
  const rows = useRows(props.row);
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (count > 0 && last >= count - 1) onEnd();
  }, [count, last, onEnd]);

  return (
    <div class="virtual" style={{ height: `${virtualizer.getTotalSize()}px` }}>
      {items.map((item) => (
        <div
          key={item.key}
          class="virtual-row"
          data-index={item.index}
          ref={isMeasured ? virtualizer.measureElement : null}
          style={{
            [isMeasured ? "minHeight" : "height"]: `${rowHeightPx}px`,
            transform: `translateY(${item.start}px)`,
          }}
        >
          {rows(item.index)}
        </div>
      ))}
    </div>
  );
}

/** Return rows that are the same objects while `row` stays, so that scrolling renders none again. */
function useRows(row: (index: number) => ComponentChildren): (index: number) => ComponentChildren {
  return useMemo(() => {
    const known = new Map<number, ComponentChildren>();
    return (index: number) => {
      if (!known.has(index)) known.set(index, row(index));
      return known.get(index);
    };
  }, [row]);
}
