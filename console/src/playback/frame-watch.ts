// Which frame a <video> element shows, and how long a frame lasts, for steps by single frames.
import { instantOfMedia } from "./media-buffer.ts";

export class FrameWatch {
  /** The instant of the frame that is shown; null before the first. */
  shownMs: number | null = null;
  /** How many frames were shown. */
  count = 0;
  private readonly video: HTMLVideoElement;
  private handle = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
    this.listen();
  }

  close(): void {
    this.video.cancelVideoFrameCallback(this.handle);
  }

  private listen(): void {
    this.handle = this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.shownMs = instantOfMedia(mediaTime);
      this.count += 1;
      this.listen();
    });
  }
}
