// Reads the results of one search: pages by cursor, and what the feed says of them afterwards.
import { api, type EventView, type MatchView, result, type Schemas } from "../api/client.ts";
import { type PageRead, PageReader, type PageState } from "../api/page-reader.ts";
import { ApiProblem } from "../api/problem.ts";
import type { ServerMessage } from "../feeds/sse.ts";
import { subscribe } from "../feeds/subscribe.ts";
import { apiQueryOf, type Search } from "./search.ts";

export interface Found {
  event: EventView;
  match: MatchView | null;
}

export interface Results extends PageState {
  found: readonly Found[];
  /** How many events match that were indexed since; another reading has them. */
  fresh: number;
  /** What the search could not have found; null until the first page is read. */
  unanalysed: Schemas["UnanalysedView"] | null;
}

export const NO_RESULTS: Results = {
  found: [],
  fresh: 0,
  unanalysed: null,
  isLoading: true,
  hasMore: false,
  failure: null,
};

const PAGE = 50;

export class Reading {
  private readonly search: Search;
  private readonly show: (results: Results) => void;
  private readonly pages: PageReader;
  private readonly fresh = new Set<string>();
  private found: Found[] = [];
  private unanalysed: Results["unanalysed"] = null;

  constructor(search: Search, show: (results: Results) => void) {
    this.search = search;
    this.show = show;
    this.pages = new PageReader(
      (next, signal) => this.readPage(next, signal),
      () => this.report(),
    );
  }

  /** Read the first page. The feed is opened before, so that no event is between them. */
  async begin(): Promise<void> {
    const { toMs, order, fuzzy } = this.search;
    if (toMs === null && order === "newest" && !fuzzy) await this.openFeed();
    await this.more();
  }

  async more(): Promise<void> {
    await this.pages.more();
  }

  end(): void {
    this.pages.end();
  }

  /** Show a later form of an event, if it was found. */
  replace(event: EventView): void {
    this.found = this.found.map((one) => (one.event.id === event.id ? { ...one, event } : one));
    this.report();
  }

  private async readPage(next: string | null, signal: AbortSignal): Promise<PageRead> {
    const query = { ...apiQueryOf(this.search), limit: PAGE, ...(next === null ? {} : { next }) };
    const page = await result(api.GET("/v1/events", { params: { query }, signal }));
    const { items, matches } = page;
    if (next === null) this.unanalysed = page.unanalysed ?? null;
    this.found = [
      ...this.found,
      ...items.map((event, index) => ({ event, match: matches[index] ?? null })),
    ];
    return { count: items.length, next: page.next };
  }

  /** Follow the feed. Returns when it is open, or when it cannot be opened. */
  private openFeed(): Promise<void> {
    const { from: _, fuzzy: __, ...query } = apiQueryOf(this.search);
    const { signal } = this.pages.ending;
    return new Promise((opened) => {
      const take = (message: ServerMessage) => this.take(message);
      subscribe("/v1/events/feed", query, signal, take, opened).catch((error: unknown) => {
        opened();
        // The search is refused for the same reason, which the page then shows.
        if (!(error instanceof ApiProblem)) throw error;
      });
    });
  }

  private take(message: ServerMessage): void {
    if (message.event !== "event") return;
    const { event }: Schemas["FeedEventMessage"] = JSON.parse(message.data);
    const isKnown = this.found.some((one) => one.event.id === event.id);
    if (!isKnown) this.fresh.add(event.id);
    this.replace(event);
  }

  private report(): void {
    const { found, fresh, pages, unanalysed } = this;
    for (const { event } of found) fresh.delete(event.id);
    this.show({ found, fresh: fresh.size, unanalysed, ...pages.state });
  }
}
