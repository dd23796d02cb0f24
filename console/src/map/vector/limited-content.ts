// The content of an answer, up to a size. Pure.

/** Return the content. Throws RangeError, and ends the answer, if it has more bytes. */
export async function limitedContent(response: Response, mostBytes: number): Promise<ArrayBuffer> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  if (response.body === null) return new ArrayBuffer();
  // Not every supported browser can iterate over the body itself.
  const reader = response.body.getReader();
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return await new Blob(chunks).arrayBuffer();
    size += value.length;
    if (size > mostBytes) {
      await reader.cancel();
      throw new RangeError(`a tile has more than ${mostBytes} bytes`);
    }
    chunks.push(value);
  }
}
