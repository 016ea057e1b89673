// @livekit/rtc-node, unmodified: a moving picture and a tone, generated.
import {
  AudioFrame, AudioSource, AudioStream, LocalAudioTrack, LocalVideoTrack, Room, RoomEvent, TrackKind,
  TrackPublishOptions, TrackSource, VideoBufferType, VideoFrame, VideoSource, VideoStream, dispose,
} from '@livekit/rtc-node';
import { hear, job, say } from './protocol.mjs';

const [WIDTH, HEIGHT, RATE] = [640, 360, 48000];
const seen = { video: {}, audio: {}, data: {}, size: {} };
const room = new Room();

room.on(RoomEvent.TrackSubscribed, async (track, _publication, person) => {
  if (track.kind === TrackKind.KIND_VIDEO) {
    for await (const { frame } of new VideoStream(track)) {
      seen.video[person.identity] = (seen.video[person.identity] ?? 0) + 1;
      seen.size[person.identity] = `${frame.width}x${frame.height}`;
    }
  } else {
    for await (const frame of new AudioStream(track)) {
      if (frame.data.some((sample) => Math.abs(sample) > 300)) seen.audio[person.identity] = (seen.audio[person.identity] ?? 0) + 1;
    }
  }
});
room.on(RoomEvent.DataReceived, (bytes, person) => {
  if (person) seen.data[person.identity] = new TextDecoder().decode(bytes);
});
room.on(RoomEvent.Disconnected, (reason) => say({ event: 'Disconnected', reason: String(reason) }));

let timers = [];
hear({
  async end() {
    timers.forEach(clearInterval);
    await room.disconnect();
    await dispose();
  },
});

// With a camera of its own, it subscribes once that is published for good: client.py says why.
const settled = new Promise((done) => {
  room.on(RoomEvent.LocalTrackSubscribed, (track) => track.kind === TrackKind.KIND_VIDEO && done());
});
const subscribe = (publication) => settled.then(() => publication.setSubscribed(true));
if (job.publish) room.on(RoomEvent.TrackPublished, subscribe);
await room.connect(job.url, job.token, { autoSubscribe: !job.publish, dynacast: true });
if (job.publish) for (const person of room.remoteParticipants.values()) person.trackPublications.forEach(subscribe);
say({ connected: true });

if (job.publish) {
  const picture = new VideoSource(WIDTH, HEIGHT);
  const camera = LocalVideoTrack.createVideoTrack('camera', picture);
  await room.localParticipant.publishTrack(camera, new TrackPublishOptions({ source: TrackSource.SOURCE_CAMERA, simulcast: true }));
  const sound = new AudioSource(RATE, 1);
  const microphone = LocalAudioTrack.createAudioTrack('microphone', sound);
  await room.localParticipant.publishTrack(microphone, new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }));

  let tick = 0;
  timers.push(setInterval(() => {
    const pixels = new Uint8Array(WIDTH * HEIGHT * 4);
    const bar = (tick++ * 8) % WIDTH;
    for (let y = 0; y < HEIGHT; y++) pixels.fill(255, (y * WIDTH + bar) * 4, (y * WIDTH + Math.min(bar + 40, WIDTH)) * 4);
    picture.captureFrame(new VideoFrame(pixels, WIDTH, HEIGHT, VideoBufferType.RGBA));
  }, 66));
  (async () => {
    for (let at = 0; ; at += RATE / 100) {
      const samples = Int16Array.from({ length: RATE / 100 }, (_, i) => 8000 * Math.sin(((at + i) * 2 * Math.PI * 440) / RATE));
      await sound.captureFrame(new AudioFrame(samples, RATE, 1, samples.length));
    }
  })().catch(() => {});
}

const hello = new TextEncoder().encode(`hello from ${room.localParticipant.identity}`);
timers.push(setInterval(() => room.localParticipant.publishData(hello, { reliable: true }).catch(() => {}), 700));
timers.push(setInterval(() => say({ ...seen, people: [...room.remoteParticipants.keys()] }), 500));
