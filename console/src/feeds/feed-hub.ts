// Shares connections to feeds among the tabs of a browser: equal requests have one connection.
import { ApiProblem } from "../api/problem.ts";
import type { FeedRequest, Follow } from "./follow-feed.ts";
import type { ServerMessage } from "./sse.ts";

/** What a tab sends: it opens a feed, ends one, or is closed itself. */
export type TabMessage =
  | { kind: "open"; id: number; request: FeedRequest }
  | { kind: "end"; id: number }
  | { kind: "leave" };

/** An `ApiProblem` as a message can carry it. */
export interface ProblemFields {
  status: number;
  kind: string;
  title: string;
  detail: string;
  retryAfterS: number | null;
}

/** What the hub sends to a tab about one of its feeds. */
export type HubMessage =
  | { kind: "attempt"; id: number }
  | { kind: "message"; id: number; message: ServerMessage }
  | { kind: "refused"; id: number; problem: ProblemFields };

export type PostToTab = (message: HubMessage) => void;

interface Subscriber {
  tab: PostToTab;
  id: number;
}

interface Connection {
  subscribers: Subscriber[];
  ending: AbortController;
  hasAttempted: boolean;
}

export class FeedHub {
  private readonly follow: Follow;
  private readonly connections = new Map<string, Connection>();

  constructor(follow: Follow) {
    this.follow = follow;
  }

  /** Take a message of a tab. The function `tab` posts to it, and identifies it. */
  take(tab: PostToTab, message: TabMessage): void {
    if (message.kind === "open") this.open({ tab, id: message.id }, message.request);
    else if (message.kind === "leave") this.remove((one) => one.tab === tab);
    else this.remove((one) => one.tab === tab && one.id === message.id);
  }

  private open(subscriber: Subscriber, request: FeedRequest): void {
    const key = JSON.stringify([request.owner, request.path, request.query, request.headers]);
    const known = this.connections.get(key);
    if (known !== undefined) {
      known.subscribers.push(subscriber);
      if (known.hasAttempted) subscriber.tab({ kind: "attempt", id: subscriber.id });
      return;
    }
    const ending = new AbortController();
    const connection: Connection = { subscribers: [subscriber], ending, hasAttempted: false };
    this.connections.set(key, connection);
    void this.run(key, connection, request);
  }

  private async run(key: string, connection: Connection, request: FeedRequest): Promise<void> {
    const post = (toMessage: (id: number) => HubMessage) => {
      for (const { tab, id } of connection.subscribers) tab(toMessage(id));
    };
    const onMessage = (message: ServerMessage) => post((id) => ({ kind: "message", id, message }));
    const onAttempt = () => {
      connection.hasAttempted = true;
      post((id) => ({ kind: "attempt", id }));
    };
    try {
      await this.follow(request, connection.ending.signal, onMessage, onAttempt);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      const { status, kind, title, message: detail, retryAfterS } = error;
      const problem = { status, kind, title, detail, retryAfterS };
      post((id) => ({ kind: "refused", id, problem }));
    } finally {
      if (this.connections.get(key) === connection) this.connections.delete(key);
    }
  }

  /** Remove subscribers, and end the connections that have none left. */
  private remove(isRemoved: (subscriber: Subscriber) => boolean): void {
    for (const [key, connection] of [...this.connections]) {
      connection.subscribers = connection.subscribers.filter((one) => !isRemoved(one));
      if (connection.subscribers.length > 0) continue;
      connection.ending.abort();
      this.connections.delete(key);
    }
  }
}
