// The address of the page while its tab is at the identity provider, which returns to the bare page.
// A fragment may have a plate, so it is kept in the tab, never sent, and forgotten as soon as it is
// used, and when the sign-in is abandoned.

const KEPT = "sightline.address";
/** The API forgets a sign-in at the provider after this time, so no address is used later. */
const LASTS_MS = 600_000;

/** Keep the fragment of the address until the tab is back, or until that is too late. */
export function keepAddress(): void {
  forgetAddress();
  if (location.hash === "") return;
  sessionStorage.setItem(KEPT, JSON.stringify({ address: location.hash, atMs: Date.now() }));
  // The page lives on if the provider does not answer, or if the person comes back to it.
  setTimeout(forgetAddress, LASTS_MS);
}

/** Go back to the kept address, once. An address with a fragment of its own stays as it is. */
export function restoreAddress(): void {
  const kept = sessionStorage.getItem(KEPT);
  forgetAddress();
  const address = addressToRestore(kept, Date.now());
  if (address !== "" && location.hash === "") history.replaceState(null, "", address);
}

export function forgetAddress(): void {
  sessionStorage.removeItem(KEPT);
}

/** Return the address of what was kept; empty if there is none, or if it is too old. */
export function addressToRestore(kept: string | null, nowMs: number): string {
  const found = parsed(kept);
  if (typeof found !== "object" || found === null) return "";
  const address: unknown = Reflect.get(found, "address");
  const atMs: unknown = Reflect.get(found, "atMs");
  if (typeof address !== "string" || typeof atMs !== "number") return "";
  return nowMs - atMs < LASTS_MS ? address : "";
}

/** Return the value of a JSON text; null of another text, which a former version can have kept. */
function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
