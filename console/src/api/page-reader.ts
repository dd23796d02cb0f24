// Reads a list page by page, as far as it is scrolled, and ends with what shows it.
import { type Failure, failureOf, isAborted } from "./problem.ts";

export interface PageState {
  isLoading: boolean;
  /** Whether there may be more after the last page. */
  hasMore: boolean;
  failure: Failure | null;
}

export interface PageRead {
  count: number;
  next: string | null;
}

type ReadPage = (next: string | null, signal: AbortSignal) => Promise<PageRead>;

/** Pages may be empty and still have a next one: a slow read is divided. */
const MAX_EMPTY_PAGES = 20;

export class PageReader {
  readonly ending = new AbortController();
  state: PageState = { isLoading: true, hasMore: false, failure: null };
  private readonly readPage: ReadPage;
  private readonly onChange: () => void;
  private next: string | null = null;
  private isRunning = false;
  private isAtEnd = false;

  /** `readPage` reads and keeps the page at a cursor; `onChange` is called after each change. */
  constructor(readPage: ReadPage, onChange: () => void) {
    this.readPage = readPage;
    this.onChange = onChange;
  }

  /** Read the next page with an item, unless one is being read or none is left. */
  async more(): Promise<void> {
    if (this.isRunning || this.isAtEnd || this.ending.signal.aborted) return;
    this.isRunning = true;
    this.report(null);
    let failure: Failure | null = null;
    try {
      await this.readUntilItem();
    } catch (error) {
      if (isAborted(error)) return;
      failure = failureOf(error);
    } finally {
      this.isRunning = false;
    }
    this.report(failure);
  }

  end(): void {
    this.ending.abort();
  }

  private async readUntilItem(): Promise<void> {
    for (let pages = 0; pages < MAX_EMPTY_PAGES && !this.isAtEnd; pages += 1) {
      const page = await this.readPage(this.next, this.ending.signal);
      this.next = page.next;
      this.isAtEnd = page.next === null;
      if (page.count > 0) return;
    }
  }

  private report(failure: Failure | null): void {
    if (this.ending.signal.aborted) return;
    this.state = { isLoading: this.isRunning, hasMore: !this.isAtEnd, failure };
    this.onChange();
  }
}
