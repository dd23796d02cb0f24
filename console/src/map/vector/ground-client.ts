// Has vector tiles drawn by the worker, which all maps of the page share.
import { workerScript } from "../../shell/worker-script.ts";
import type { TilePicture } from "../tiles.ts";
import type { PageMessage, WorkerMessage } from "./ground-messages.ts";

export type Order = Omit<Extract<PageMessage, { kind: "draw" }>, "kind" | "id">;

interface Waiting {
  resolve: (picture: TilePicture) => void;
  reject: (error: Error) => void;
}

class GroundWorker {
  private readonly worker = new Worker(workerScript("ground"), { type: "module", name: "ground" });
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor(onEnd: () => void) {
    this.worker.addEventListener("message", (event) => this.take(event.data));
    this.worker.addEventListener("error", () => {
      onEnd();
      this.end();
    });
  }

  draw(order: Order, signal: AbortSignal): Promise<TilePicture> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.post({ ...order, kind: "draw", id });
      signal.addEventListener("abort", () => {
        if (!this.waiting.delete(id)) return;
        this.post({ kind: "cancel", id });
        reject(new DOMException("the tile is not needed any more", "AbortError"));
      });
    });
  }

  private take(message: WorkerMessage): void {
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ("fault" in message) waiting?.reject(new Error(message.fault));
    else if (waiting === undefined) message.image.close();
    else waiting.resolve({ image: message.image, names: message.names });
  }

  private post(message: PageMessage): void {
    this.worker.postMessage(message);
  }

  /** The worker could not be loaded or has ended: nothing that waits will be drawn. */
  private end(): void {
    this.worker.terminate();
    for (const { reject } of this.waiting.values())
      reject(new Error("the worker of maps has ended"));
    this.waiting.clear();
  }
}

let worker: GroundWorker | null = null;

/** Draw a tile. Rejects with an error for a tile that is damaged, and with AbortError. */
export function drawTile(order: Order, signal: AbortSignal): Promise<TilePicture> {
  worker ??= new GroundWorker(() => {
    worker = null;
  });
  return worker.draw(order, signal);
}
