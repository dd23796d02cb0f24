// Whether the API answers. While it does not, it is probed, so that pages recover by themselves.

export type Listener = (isReachable: boolean) => void;

const PROBE_EVERY_MS = 3000;

export class Reachability {
  private readonly probe: () => Promise<boolean>;
  private readonly wait: (durationMs: number) => Promise<void>;
  private readonly listeners = new Set<Listener>();
  private isProbing = false;

  constructor(probe: () => Promise<boolean>, wait: (durationMs: number) => Promise<void>) {
    this.probe = probe;
    this.wait = wait;
  }

  get isReachable(): boolean {
    return !this.isProbing;
  }

  /** Call `listener` after each change. Returns what ends that. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A request had no answer: probe the API until it answers. */
  async missed(): Promise<void> {
    if (this.isProbing) return;
    this.isProbing = true;
    this.report();
    do await this.wait(PROBE_EVERY_MS);
    while (!(await this.probe()));
    this.isProbing = false;
    this.report();
  }

  private report(): void {
    for (const listener of [...this.listeners]) listener(this.isReachable);
  }
}
