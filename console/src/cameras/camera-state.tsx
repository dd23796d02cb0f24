// The state of a camera and its cause, in words and with a mark.
import type { CameraView } from "../api/client.ts";
import { sentenceOf } from "../api/message.ts";
import type { Texts } from "../texts/en.ts";
import { severityOf } from "./camera-filters.ts";

const LEAST_SKEW_MS = 1000;

export function StateMark({ camera, texts }: { camera: CameraView; texts: Texts }) {
  const text = texts.cameras.states[camera.state] ?? camera.state;
  return <span class={`state-mark state-${severityOf(camera.state)}`}>{text}</span>;
}

/** Return what is wrong with a camera now; empty if nothing is. */
export function causeOf(camera: CameraView, texts: Texts): string {
  const parts = [
    camera.state === "live" ? "" : (camera.cause ?? errorOf(camera)),
    skewText(camera, texts),
    camera.shed ? texts.cameras.sheds[camera.shed] : "",
    camera.over_limit ? texts.cameras.overLimit : "",
    analysisText(camera, texts),
  ];
  return parts.filter(Boolean).join(" ");
}

/** Return what the camera or its connection reported last; empty without an error. */
export function errorOf(camera: CameraView): string {
  return sentenceOf(camera.last_error_message, camera.last_error ?? "");
}

function analysisText(camera: CameraView, texts: Texts): string {
  if (camera.models_loading_since) return texts.cameras.modelsLoading;
  return camera.analysis_stopped_since ? texts.cameras.analysisStopped : "";
}

function skewText(camera: CameraView, texts: Texts): string {
  const skewMs = camera.clock_skew_ms ?? 0;
  if (!camera.live || Math.abs(skewMs) < LEAST_SKEW_MS) return "";
  return texts.cameras.clockSkew((skewMs / 1000).toFixed(1));
}

/** Return codec, frame rate and bit rate of a live camera; empty for any other. */
export function streamText(camera: CameraView, texts: Texts): string {
  if (!camera.live || camera.codec === null) return "";
  const mbits = (camera.bitrate_bps / 1e6).toFixed(1);
  return texts.cameras.stream(camera.codec, camera.fps.toFixed(0), mbits);
}
