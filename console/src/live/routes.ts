// Which way live video takes: WebRTC where it works, and otherwise fragments over a WebSocket.

/** Why a view does not use WebRTC: this browser, its network, the camera's codec, the site, the
 * codec of the requested sound, or the detections, which are sent by the WebSocket only. */
export type Fallback = "browser" | "network" | "camera" | "site" | "sound" | "detections";

/** A cause is forgotten after this time: networks, cameras and sites change. */
const FORGOTTEN_AFTER_MS = 600_000;

/** Remembers where WebRTC failed, so that a wall of cameras does not wait for each of them. */
export class RouteMemory {
  private readonly causes = new Map<string, { cause: Fallback; atMs: number }>();

  /** Note why a stream, such as `gate/sub`, could not be opened by WebRTC. */
  note(stream: string, cause: Fallback, nowMs: number): void {
    if (cause === "sound") return; // The pictures alone come by WebRTC.
    this.causes.set(cause === "camera" ? stream : "", { cause, atMs: nowMs });
  }

  /** Return why a stream should not be opened by WebRTC; null to try it. */
  causeFor(stream: string, nowMs: number): Fallback | null {
    for (const key of [stream, ""]) {
      const known = this.causes.get(key);
      if (known !== undefined && nowMs - known.atMs < FORGOTTEN_AFTER_MS) return known.cause;
    }
    return null;
  }
}

/** Return why a refusal of WebRTC leads to the other way; null if that would be refused, too. */
export function fallbackFor(kind: string): Fallback | null {
  if (kind === "codec_unsupported") return "camera";
  if (kind === "bad_input") return "browser"; // The offer has no H.264.
  return kind === "unavailable" ? "site" : null;
}

/** Return whether an offer has H.264 in the form in which cameras are sent. */
export function hasH264(sdp: string): boolean {
  return /^a=rtpmap:\d+ H264\/90000/m.test(sdp) && /^a=fmtp:.*packetization-mode=1/m.test(sdp);
}

/** Return whether the answer to an offer refuses its sound. */
export function refusesSound(sdp: string): boolean {
  return /^m=audio 0 /m.test(sdp);
}

const TICKS_PER_MS = 90;

/** Return how old a picture is. Its RTP timestamp is its wall time without the upper bits. */
export function delayS(rtpTimestamp: number, siteNowMs: number): number {
  const ticks = (siteNowMs * TICKS_PER_MS - rtpTimestamp) % 2 ** 32;
  // A picture of the near future has a clock that is a little ahead.
  return (ticks > 2 ** 31 ? ticks - 2 ** 32 : ticks) / TICKS_PER_MS / 1000;
}
