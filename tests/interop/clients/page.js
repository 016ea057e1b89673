// Runs in the page.
(() => {
  const { Room, RoomEvent, Track, VideoQuality, setLogLevel } = LivekitClient;
  const heard = {};
  let room;

  async function start(job) {
    if (job.verbose) setLogLevel('debug');
    room = new Room({ adaptiveStream: false, dynacast: true, ...job.room });
    for (const event of ['Disconnected', 'Reconnecting', 'SignalReconnecting', 'Reconnected']) {
      room.on(RoomEvent[event], (reason) => say({ event, reason: String(reason ?? '') }));
    }
    room.on(RoomEvent.TrackSubscribed, (track) => track.attach());
    room.on(RoomEvent.TrackUnsubscribed, (track) => track.detach());
    room.on(RoomEvent.TrackSubscriptionFailed, (sid, who, reason) => say({ error: `subscription failed: ${reason}` }));
    room.on(RoomEvent.MediaDevicesError, (error) => say({ error: `device: ${error}` }));
    room.on(RoomEvent.DataReceived, (bytes, from) => {
      if (from) heard[from.identity] = new TextDecoder().decode(bytes);
    });
    await room.connect(job.url, job.token, { maxRetries: 0 });
    say({ connected: true, protocol: room.serverInfo?.protocol, iceServers: iceServers() });
    if (job.publish) {
      await room.localParticipant.setMicrophoneEnabled(true);
      await publishCamera();
    }
    setInterval(report, 500);
    setInterval(talk, 700);
  }

  const publishCamera = () =>
    room.localParticipant.setCameraEnabled(true, { resolution: { width: 1280, height: 720, frameRate: 15 } }, { videoCodec: 'vp8' });

  const iceServers = () => room.engine.pcManager.publisher._pc.getConfiguration().iceServers.length;

  function want(quality) {
    for (const person of room.remoteParticipants.values()) {
      for (const publication of person.videoTrackPublications.values()) publication.setVideoQuality(quality);
    }
  }

  function talk() {
    const text = new TextEncoder().encode(`hello from ${room.localParticipant.identity}`);
    room.localParticipant.publishData(text, { reliable: true }).catch(() => {});
  }

  async function report() {
    const out = { video: {}, audio: {}, size: {}, data: heard, muted: {}, tracks: {}, people: [...room.remoteParticipants.keys()] };
    for (const person of room.remoteParticipants.values()) {
      out.tracks[person.identity] = person.trackPublications.size;
      for (const publication of person.trackPublications.values()) {
        if (publication.isMuted) out.muted[person.identity] = publication.source;
        const receiver = publication.track?.receiver;
        if (!receiver) continue;
        for (const stat of (await receiver.getStats()).values()) {
          if (stat.type !== 'inbound-rtp') continue;
          if (stat.kind === 'video') {
            out.video[person.identity] = stat.framesDecoded ?? 0;
            out.size[person.identity] = `${stat.frameWidth}x${stat.frameHeight}`;
          } else {
            // Energy rises only with sound that is not silence.
            out.audio[person.identity] = Math.round((stat.totalAudioEnergy ?? 0) * 1e6);
          }
        }
      }
    }
    say(out);
  }

  globalThis.start = start;
  globalThis.actions = {
    resume: () => room.simulateScenario('signal-reconnect'),
    restart: () => room.simulateScenario('full-reconnect'),
    mute: () => room.localParticipant.setMicrophoneEnabled(false),
    unpublish: () => room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication(Track.Source.Camera).track),
    republish: publishCamera,
    low: () => want(VideoQuality.LOW),
    high: () => want(VideoQuality.HIGH),
    leave: () => room.disconnect(),
  };
})();
