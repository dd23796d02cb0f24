// A worker: it decodes vector tiles and draws them, so that the page is not held up.
import { drawGround } from "./draw-ground.ts";
import type { PageMessage, WorkerMessage } from "./ground-messages.ts";
import { fontOf, type Measure, namesOf } from "./names.ts";
import { layersOf } from "./schemas.ts";
import { decodeTile } from "./vector-tile.ts";

type Order = Extract<PageMessage, { kind: "draw" }>;

/** What is to be drawn, by id; the order is that of arrival. */
const orders = new Map<number, Order>();
/** A task of its own for each tile lets messages arrive in between, such as those that cancel. */
const next = new MessageChannel();
next.port1.onmessage = drawNext;

addEventListener("message", ({ data }: MessageEvent<PageMessage>) => {
  if (data.kind === "cancel") orders.delete(data.id);
  else {
    orders.set(data.id, data);
    next.port2.postMessage(null);
  }
});

/** Draw the tile that was ordered last: earlier ones may belong to a view that is left already. */
function drawNext(): void {
  const order = [...orders.values()].at(-1);
  if (order === undefined) return;
  orders.delete(order.id);
  try {
    const answer = drawn(order);
    postMessage(answer satisfies WorkerMessage, { transfer: [answer.image] });
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    postMessage({ id: order.id, fault } satisfies WorkerMessage);
  }
}

function drawn(order: Order): Extract<WorkerMessage, { image: ImageBitmap }> {
  const { id, content, schema, palette, language } = order;
  const layers = decodeTile(new Uint8Array(content), layersOf(schema));
  const ground = { ...order, layers };
  const side = Math.round(order.sidePx * order.ratio);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) throw new Error("this browser has no canvas in workers");
  drawGround(context, ground, palette);
  const measure: Measure = (text, sizePx, isStreet) => {
    context.font = fontOf(sizePx, isStreet);
    return context.measureText(text).width;
  };
  const names = namesOf(ground, language, measure);
  return { id, image: canvas.transferToImageBitmap(), names };
}
