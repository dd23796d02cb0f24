// What is wrong with a camera and what to do, by the kind of its last error (`why` of the API).
import type { CameraView } from "../../api/client.ts";

export type Why = NonNullable<CameraView["why"]>;
type Causes = Record<Exclude<Why, "">, string>;

export const causesInEnglish: Causes = {
  host_unknown: "The host name cannot be resolved.",
  outside_networks: "The address is outside the networks that the registry allows.",
  refused: "The port refuses connections. Check the port, and that RTSP is enabled.",
  no_route: "The network cannot be reached. Check cable, VLAN and route.",
  no_answer: "The connection timed out. Check address, power and firewall.",
  failed: "The connection broke.",
  not_rtsp: "Another service than RTSP answers on this port.",
  tls: "The TLS connection failed. Check rtsps and the port.",
  certificate: "The camera's certificate is not trusted. Check and register its fingerprint.",
  login: "The user name or the password is wrong. Check the credentials.",
  basic_in_clear:
    "The camera wants the password without encryption, so it was not sent. Enable digest or rtsps.",
  no_path: "The path of the stream does not exist (404). Check the path.",
  session_lost: "The camera has lost the session (454).",
  redirected: "The camera redirects to another address. Register that address.",
  transport: "The camera does not support this transport. Set transport to udp or tcp.",
  rejected: "The camera rejects the request.",
  ended: "The camera has ended the stream.",
  silent: "The camera is connected and sends nothing. It may have crashed.",
  malformed: "The data is not valid RTSP or RTP. Restart the camera or update its firmware.",
  no_pictures:
    "RTP packets arrive but form no picture. Check packet loss, or set transport to tcp.",
  no_video: "The stream has no video. Choose another path.",
  codec: "The codec is not supported. Set the camera to H.264 or H.265.",
  no_keyframes: "No keyframe arrives. Set the keyframe interval to 1 to 2 s.",
  no_parameter_sets: "Keyframes lack parameter sets (SPS, PPS). Update the firmware.",
  undecodable: "No picture can be decoded. Restart the camera; disable stream encryption.",
  sparse_keyframes: "Keyframes are too far apart. Set the interval to 1 to 4 s.",
  frozen: "The picture does not change at all. Restart the camera.",
  clock: "The camera's clock is wrong. Enable time synchronisation in the camera.",
  clock_stepped: "The clock of the node was set.",
};
