"""Pages on which a browser hears a camera. Each posts what it has decoded."""

from __future__ import annotations

import json
from pathlib import Path

_EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
_PAGE = """<!doctype html><video autoplay></video><script>%(player)s
const video = document.querySelector("video");
let pictures = 0;
const count = () => { pictures++; video.requestVideoFrameCallback(count); };
video.requestVideoFrameCallback(count);
const until = async (what, holds) => {
  for (let n = 0; !await holds(); n++) {
    if (n > 1200) throw new Error(`${what}: ${pictures} pictures`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};
%(work)s
work().catch(error => ({error: error.detail || String(error)})).then(
  said => fetch("said", {method: "POST", body: JSON.stringify(said)}));
</script>"""
_BY_WEBRTC = """
const work = async () => {
  const player = await playWhep(video, "%(address)s", %(headers)s);
  let heard;
  await until("sound", async () => {
    const all = [...(await player.connection.getStats()).values()];
    heard = all.find(one => one.type === "inbound-rtp" && one.kind === "audio");
    const codec = heard && all.find(one => one.id === heard.codecId);
    heard = heard && {...heard, mime: codec && codec.mimeType};
    return heard && heard.audioLevel > 0.1 && heard.totalSamplesReceived > 48000;
  });
  await until("pictures", () => pictures > 25);
  await player.close();
  return {heard, pictures};
};"""
_BY_WEBSOCKET = """
const messages = [];
const work = async () => {
  const player = playLive(video, "%(address)s", message => messages.push(message));
  await until("sound", () => player.sound() !== null);
  const context = new AudioContext(), analyser = context.createAnalyser();
  context.createMediaElementSource(player.sound().audio).connect(analyser);
  analyser.connect(context.destination);
  const levels = new Uint8Array(analyser.frequencyBinCount);
  const peak_hz = () => {
    analyser.getByteFrequencyData(levels);
    return levels.indexOf(Math.max(...levels)) * context.sampleRate / analyser.fftSize;
  };
  await until("the tone", () => Math.abs(peak_hz() - %(tone_hz)d) < 60);
  await until("both in step", () => Math.abs(player.sound().behindS()) < 0.3);
  await until("pictures", () => pictures > 25);
  player.close();
  return {pictures, inits: messages.filter(one => one.type === "sound_init")};
};"""


def webrtc_page(address: str, headers: dict[str, str]) -> str:
    """Return the page that opens a camera by WHEP, and waits for sound that is no silence."""
    work = _BY_WEBRTC % {"address": address, "headers": json.dumps(headers)}
    return _page(work, "whep-player.js")


def websocket_page(address: str, tone_hz: int) -> str:
    """Return the page that opens a camera by its WebSocket, and waits for a tone."""
    work = _BY_WEBSOCKET % {"address": address, "tone_hz": tone_hz}
    return _page(work, "live-sound.js", "live-player.js")


def _page(work: str, *players: str) -> str:
    texts = [(_EXAMPLES / player).read_text("utf-8") for player in players]
    return _PAGE % {"player": "\n".join(texts), "work": work}
