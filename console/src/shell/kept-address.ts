// The address of the page while its tab is at the identity provider, which returns to the bare page.
// A fragment may have a plate, so it is kept in the tab, never sent, and forgotten as soon as it is
// used, and when the sign-in is abandoned.

const KEPT = "sightline.address";
/** The API forgets a sign-in at the provider after this time, so no address is used later. */
const LASTS_MS = 600_000;

/** Keep the fragment of the address until the tab is back, or until that is too late. */
export function keepAddress(): void {
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
  if (kept === null) return "";
  const { address, atMs }: { address: string; atMs: number } = JSON.parse(kept);
  return nowMs - atMs < LASTS_MS ? address : "";
}
