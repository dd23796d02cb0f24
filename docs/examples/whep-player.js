// Shows a camera of Sightline live in a <video> element by WebRTC (WHEP).
//
// playWhep(video, url, headers, onEnd) opens POST /v1/cameras/{id}/whep. `headers` are those of a
// request: Authorization and X-Reason, or X-CSRF-Token with a session. With `sound=1` in `url`, the sound
// of the camera is played, too, if the element is not muted. It returns the connection and close(). A refusal rejects with the problem document. onEnd is called when the connection is lost:
// then open the camera again, or open it by its WebSocket (live-player.js).
async function playWhep(video, url, headers, onEnd = () => {}) {
  const connection = new RTCPeerConnection();
  connection.addTransceiver("video", {direction: "recvonly"});
  if (new URL(url).searchParams.has("sound")) connection.addTransceiver("audio", {direction: "recvonly"});
  const tracks = new MediaStream();
  connection.ontrack = ({track}) => { tracks.addTrack(track); video.srcObject = tracks; };
  connection.onconnectionstatechange = () => {
    if (["failed", "closed"].includes(connection.connectionState)) onEnd();
  };
  await connection.setLocalDescription(await connection.createOffer());
  // Candidates of the browser are not needed: it sends the connectivity checks.
  const answer = await fetch(url, {
    method: "POST",
    headers: {...headers, "Content-Type": "application/sdp"},
    body: connection.localDescription.sdp,
  });
  if (answer.status !== 201) {
    connection.close();
    throw await answer.json();
  }
  await connection.setRemoteDescription({type: "answer", sdp: await answer.text()});
  const session = new URL(answer.headers.get("Location"), url);
  return {
    connection,
    async close() {
      const answer = await fetch(session, {method: "DELETE", headers});
      connection.close();
      return answer;
    },
  };
}
