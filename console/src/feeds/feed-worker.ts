// A shared worker: it follows feeds for all tabs of the browser, so that equal ones are read once.
import { FeedHub, type HubMessage, type TabMessage } from "./feed-hub.ts";
import { followFeed } from "./follow-feed.ts";

const hub = new FeedHub(followFeed);

addEventListener("connect", (event: Event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) return;
  const post = (message: HubMessage) => port.postMessage(message);
  port.onmessage = (received: MessageEvent<TabMessage>) => hub.take(post, received.data);
});
