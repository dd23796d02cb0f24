// Calls the attention of a person: a sound and a notification, in one tab of the browser only.

/** How long other tabs leave a hit to the tab that rings for it. */
const HELD_MS = 5000;
/** How long a tab that may not play leaves the hit to one that may. */
const SILENT_WAIT_MS = 300;
const NOTES: readonly (readonly [startS: number, hertz: number])[] = [
  [0, 880],
  [0.25, 1175],
  [0.5, 880],
  [0.75, 1175],
];
const NOTE_S = 0.2;
const LOUDNESS = 0.3;

export interface Notice {
  title: string;
  body: string;
  /** Notifications with the same tag replace each other. */
  tag: string;
  /** What a click on the notification does. */
  onOpen: () => void;
}

/** Ring for a notice, unless another tab does. */
export async function ring(notice: Notice): Promise<void> {
  // Only pages of a secure origin have locks; others ring in each tab.
  if (!("locks" in navigator)) {
    ringHere(notice);
    return;
  }
  const name = `sightline.ring.${notice.tag}`;
  if (!navigator.userActivation.hasBeenActive) await pause(SILENT_WAIT_MS);
  await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock === null) return;
    ringHere(notice);
    await pause(HELD_MS);
  });
}

function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}

function ringHere(notice: Notice): void {
  sound();
  notify(notice);
}

/** Play four notes. A page without a click may not play, and stays silent. */
export function sound(): void {
  const context = new AudioContext();
  for (const [startS, hertz] of NOTES) {
    const note = context.createOscillator();
    const volume = context.createGain();
    const startsAt = context.currentTime + startS;
    note.frequency.value = hertz;
    volume.gain.setValueAtTime(LOUDNESS, startsAt);
    volume.gain.linearRampToValueAtTime(0, startsAt + NOTE_S);
    note.connect(volume).connect(context.destination);
    note.start(startsAt);
    note.stop(startsAt + NOTE_S);
    if (startS === NOTES.at(-1)?.[0]) note.onended = () => void context.close();
  }
}

function notify({ title, body, tag, onOpen }: Notice): void {
  if (notificationState() !== "granted") return;
  const shown = new Notification(title, { body, tag, requireInteraction: true });
  shown.onclick = () => {
    window.focus();
    onOpen();
    shown.close();
  };
}

export type NotificationState = NotificationPermission | "unsupported";

export function notificationState(): NotificationState {
  return "Notification" in window ? Notification.permission : "unsupported";
}

/** Ask the person for the permission to show notifications. Call it after a click only. */
export async function requestNotifications(): Promise<NotificationState> {
  return "Notification" in window ? await Notification.requestPermission() : "unsupported";
}
