// Reads server-sent events from text as it arrives. Pure.

export interface ServerMessage {
  event: string;
  data: string;
  id: string;
}

/** Takes pieces of a stream and gives the messages that are complete. */
export class MessageReader {
  private rest = "";

  take(piece: string): ServerMessage[] {
    const blocks = (this.rest + piece).split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(messageOf);
  }
}

function messageOf(block: string): ServerMessage {
  const message: ServerMessage = { event: "", data: "", id: "" };
  for (const line of block.split("\n")) {
    const [name = "", ...rest] = line.split(":");
    const value = rest.join(":").replace(/^ /, "");
    if (name === "event" || name === "id") message[name] = value;
    else if (name === "data") message.data += message.data ? `\n${value}` : value;
  }
  return message;
}
