// Sends one request, in a page or in a worker.
import { isAborted, Offline } from "./problem.ts";

/** Send a request. Throws Offline if no answer arrives, and AbortError. */
export async function fetched(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Offline(String(error));
  }
}
