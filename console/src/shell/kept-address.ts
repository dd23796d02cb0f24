// The address of the page while its tab is at the identity provider, which returns to the bare page.
// A fragment may have a plate, so it is kept in the tab and never sent.

const KEPT = "sightline.address";

/** Keep the fragment of the address until the tab is back. */
export function keepAddress(): void {
  sessionStorage.setItem(KEPT, location.hash);
}

/** Go back to the kept address, once. An address with a fragment of its own stays as it is. */
export function restoreAddress(): void {
  const kept = sessionStorage.getItem(KEPT) ?? "";
  sessionStorage.removeItem(KEPT);
  if (kept !== "" && location.hash === "") history.replaceState(null, "", kept);
}
