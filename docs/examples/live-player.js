// A player of live video for browsers with Media Source Extensions. docs/live.md describes the messages.
//
// playLive(video, address, report) plays into a <video> element and returns an object with
// `change(stream)` and `close()`. `report(message)` receives every message of the server, and also
// {type: "unsupported", sentence}, {type: "paused", sentence}, {type: "delay", delay_s} about once a
// second, and {type: "closed", code, reason}. With `sound=1` in the address, the sound of the camera
// is played, too; a page may play sound only after a click or a key. The page loads live-sound.js before.

const LIVE_DELAY_S = 0.2; // the delay behind the newest picture that is aimed at
const SEEK_BEYOND_S = 2; // a player that is farther behind seeks
const PICTURES_KEPT_S = 10; // what was shown is removed from the buffer after this time

function playLive(video, address, report = () => {}) {
  const source = new MediaSource();
  const socket = new WebSocket(address.replace(/^http/, "ws"));
  socket.binaryType = "arraybuffer";
  const waiting = []; // initialisation segments with their message, and fragments
  let buffer = null, announced = null, mime = "", origin_s = 0, isDecodable = false;
  // How much the clock of this computer is ahead of the site's; the fastest message shows it best.
  let ahead_s = Infinity;
  let sound = null, isSoundHead = false, mediaAfterWall_s = NaN;

  const beginSound = init => {
    sound?.close();
    isSoundHead = true;
    const isSupported = MediaSource.isTypeSupported(init.mime);
    const onRefused = error => {
      if (error) report({type: "paused", sentence: `The browser plays no sound: ${error}.`});
    };
    sound = isSupported ? new SoundPlayer(video, init, pictureAt_s, onRefused) : null;
    if (!isSupported) {
      const sentence = `This browser plays sound in ${init.codec} by WebRTC only.`;
      report({type: "unsupported", sentence, stream: "sound"});
    }
  };

  const begin = init => {
    if (!MediaSource.isTypeSupported(init.mime)) {
      const sentence = `This browser cannot decode ${init.codec} (${init.mime}). ` +
        "Choose the sub-stream, or another browser.";
      report({type: "unsupported", sentence, stream: init.stream});
      return false;
    }
    if (buffer === null) {
      // The media timeline is UTC. Whole seconds are subtracted, so that the numbers stay small.
      origin_s = Math.floor(init.starts_at_s);
      buffer = source.addSourceBuffer(init.mime);
      buffer.mode = "segments";
      buffer.timestampOffset = -origin_s;
      buffer.addEventListener("updateend", () => { follow(); append(); });
    } else if (mime !== init.mime) {
      buffer.changeType(init.mime);
    }
    mime = init.mime;
    return true;
  };

  const append = () => {
    while (source.readyState === "open" && waiting.length > 0 && !buffer?.updating) {
      const {init, data} = waiting.shift();
      if (init) isDecodable = begin(init);
      if (isDecodable) buffer.appendBuffer(data);
    }
  };

  const follow = () => {
    const ranges = buffer.buffered;
    if (ranges.length === 0) return;
    const first_s = ranges.start(0), start_s = ranges.start(ranges.length - 1);
    const end_s = ranges.end(ranges.length - 1);
    const behind_s = end_s - video.currentTime - LIVE_DELAY_S;
    if (video.currentTime < first_s) video.currentTime = first_s; // the first picture, at once
    else if (behind_s > SEEK_BEYOND_S) video.currentTime = Math.max(start_s, end_s - LIVE_DELAY_S);
    else if (video.currentTime < start_s && isStalled()) video.currentTime = start_s; // over a hole
    // Twice the speed while a second behind: the live edge is reached within two seconds.
    video.playbackRate = behind_s > 0.1 ? Math.min(2, 1 + behind_s) : 1;
    if (video.paused) video.play().catch(error => report({type: "paused", sentence: error.message}));
    if (!buffer.updating && video.currentTime - first_s > 2 * PICTURES_KEPT_S) {
      buffer.remove(0, video.currentTime - PICTURES_KEPT_S);
    }
  };

  const isStalled = () => {
    const ranges = buffer.buffered;
    for (let n = 0; n < ranges.length; n++) {
      if (ranges.start(n) <= video.currentTime && video.currentTime < ranges.end(n) - 0.1) return false;
    }
    return true;
  };

  const shownAt_s = () => origin_s + video.currentTime;
  const pictureAt_s = () => Number.isNaN(mediaAfterWall_s) ? null : shownAt_s() - mediaAfterWall_s;
  const delay_s = () => Date.now() / 1000 - ahead_s - shownAt_s();

  const measureDelay = timing => {
    mediaAfterWall_s = timing.media_s - Date.parse(timing.picture_at) / 1000;
    const sentAt_s = (Date.parse(timing.picture_at) + timing.delay_ms) / 1000; // by the site's clock
    ahead_s = Math.min(ahead_s, Date.now() / 1000 - sentAt_s);
    if (video.currentTime > 0) report({type: "delay", delay_s: delay_s()});
  };

  source.addEventListener("sourceopen", append);
  socket.addEventListener("message", ({data}) => {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.type === "init") announced = message;
      if (message.type === "sound_init") beginSound(message);
      report(message);
      if (message.type === "timing") measureDelay(message);
      return;
    }
    if (isSoundHead || isSound(data)) {
      isSoundHead = false;
      sound?.take(data);
      return;
    }
    waiting.push({init: announced, data});
    announced = null;
    append();
  });
  socket.addEventListener("close", ({code, reason}) => report({type: "closed", code, reason}));
  video.muted = true;
  video.src = URL.createObjectURL(source);

  return {
    change: stream => socket.send(JSON.stringify({stream})),
    close: () => { socket.close(); sound?.close(); },
    // The sound of the camera; null while there is none.
    sound: () => sound,
    // The wall time of the picture on the screen, in seconds since 1970.
    shownAt_s,
    // The time from the camera to the screen, in seconds. It does not depend on this computer's clock.
    delay_s,
  };
}
