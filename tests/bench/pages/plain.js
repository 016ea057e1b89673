// Runs in the page: livekit-client, unmodified, with the options of apps/web/src/media and nothing that encrypts between the ends.
(() => {
  const { Room, RoomEvent, Track, VideoPresets, createLocalTracks } = LivekitClient;

  globalThis.prepare = async ({ url, token }) => {
    const tracks = await createLocalTracks({ audio: true, video: { resolution: VideoPresets.h720.resolution } });
    document.querySelector("#own").append(tracks.find((track) => track.kind === Track.Kind.Video).attach());
    const room = new Room({
      singlePeerConnection: true,
      adaptiveStream: false,
      dynacast: true,
      publishDefaults: { videoCodec: "vp8", backupCodec: false, simulcast: true, red: false, dtx: false },
    });
    room.on(RoomEvent.TrackSubscribed, (track) => document.querySelector("#others").append(track.attach()));
    const join = async () => {
      await room.connect(url, token, { maxRetries: 1 });
      await Promise.all(tracks.map((track) => room.localParticipant.publishTrack(track)));
    };
    let inside;
    document.querySelector("#join").addEventListener("click", () => (inside = join()));
    globalThis.leave = async () => {
      await inside;
      await room.disconnect();
    };
  };
})();
