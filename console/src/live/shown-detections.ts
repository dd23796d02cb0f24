// Shows with each picture of a <video> element the detections that belong to it.
import { type Detection, DetectionTracks } from "./detection-tracks.ts";
import type { ShowLive } from "./live-state.ts";

/** Returns the time of a shown picture; null if it is not known. */
type TimeOfPicture = (picture: VideoFrameCallbackMetadata) => number | null;

export class ShownDetections {
  private readonly video: HTMLVideoElement;
  private readonly timeOf: TimeOfPicture;
  private readonly show: ShowLive;
  private readonly tracks = new DetectionTracks();
  private hasBoxes = false;
  private frameCallback = 0;

  /** Follow the pictures from now on. */
  constructor(video: HTMLVideoElement, timeOf: TimeOfPicture, show: ShowLive) {
    this.video = video;
    this.timeOf = timeOf;
    this.show = show;
    this.awaitPicture();
  }

  /** Add what the picture of a time shows. */
  put(atS: number, items: readonly Detection[]): void {
    this.tracks.put(atS, items);
  }

  end(): void {
    this.video.cancelVideoFrameCallback(this.frameCallback);
  }

  private awaitPicture(): void {
    this.frameCallback = this.video.requestVideoFrameCallback((_, picture) => {
      const shownS = this.timeOf(picture);
      const detections = shownS === null ? [] : this.tracks.at(shownS);
      const { width: widthPx, height: heightPx } = picture;
      if (detections.length > 0 || this.hasBoxes) this.show({ detections, widthPx, heightPx });
      this.hasBoxes = detections.length > 0;
      this.awaitPicture();
    });
  }
}
