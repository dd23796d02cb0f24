// The list of results in either view. Arrow keys move the focus; the end of the list loads more.
import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { Empty, Failed, Loading } from "../shell/states.tsx";
import { useSize } from "../shell/use-size.ts";
import { VirtualRows } from "../shell/virtual-rows.tsx";
import { Card } from "./cards.tsx";
import { columnsOf, neighbour } from "./grid.ts";
import type { Results } from "./reading.ts";
import { Line, TableHead } from "./table.tsx";

export type ListView = "cards" | "table";

const LEAST_CARD_PX = 250;
const GAP_PX = 12;
const CARD_TEXT_PX = 128;
const LINE_PX = 44;

interface ListProps {
  results: Results;
  view: ListView;
  /** The camera whose results are marked, because it is pointed at elsewhere. */
  highlighted: string | null;
  onOpen: (index: number) => void;
  loadMore: () => void;
  reload: () => void;
}

export function ResultsList(props: ListProps) {
  const { texts } = useConsole();
  const { found, failure, isLoading, hasMore } = props.results;
  if (failure !== null && found.length === 0) {
    return <Failed failure={failure} onRetry={props.reload} />;
  }
  if (found.length === 0 && (isLoading || hasMore)) return <Loading />;
  if (found.length === 0) {
    return <Empty title={texts.find.empty} advice={texts.find.emptyAdvice} />;
  }
  return (
    <>
      {props.view === "table" && <TableHead />}
      <Rows {...props} />
      {failure !== null && <Failed failure={failure} onRetry={props.loadMore} />}
    </>
  );
}

function Rows({ results, view, highlighted, onOpen, loadMore }: ListProps) {
  const { texts } = useConsole();
  const scroller = useRef<HTMLElement>(null);
  const { widthPx } = useSize(scroller);
  const [focused, setFocused] = useState(0);
  const [isMoving, setMoving] = useState(false);
  const { found } = results;
  const columns = view === "cards" ? columnsOf(widthPx, LEAST_CARD_PX, GAP_PX) : 1;
  const cardPx = (widthPx - (columns - 1) * GAP_PX) / columns;
  const rowHeightPx =
    view === "cards" ? Math.round((cardPx * 9) / 16) + CARD_TEXT_PX + GAP_PX : LINE_PX;
  const index = Math.min(focused, found.length - 1);

  useEffect(() => {
    if (isMoving) scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus();
  });

  const move = (event: KeyboardEvent) => {
    const target = neighbour(event.key, index, found.length, columns);
    if (target === null) return;
    event.preventDefault();
    setMoving(true);
    setFocused(target);
  };

  const Item = view === "cards" ? Card : Line;
  return (
    // The list itself has no focus: its items do, and the keys reach the list from them.
    <section
      ref={scroller}
      class={`results results-${view}`}
      aria-label={texts.find.results}
      onKeyDown={move}
      onFocusOut={() => setMoving(false)}
    >
      <VirtualRows
        scroller={scroller}
        count={Math.ceil(found.length / columns)}
        rowHeightPx={rowHeightPx}
        visibleRow={isMoving ? Math.floor(index / columns) : null}
        onEnd={loadMore}
        row={(row) => (
          <div class={view} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
            {found.slice(row * columns, (row + 1) * columns).map((one, column) => (
              <Item
                key={one.event.id}
                found={one}
                index={row * columns + column}
                isFocused={row * columns + column === index}
                isPointed={one.event.camera === highlighted}
                onOpen={(opened) => {
                  setFocused(opened);
                  onOpen(opened);
                }}
              />
            ))}
          </div>
        )}
      />
    </section>
  );
}
