"""The PyPI package livekit, unmodified: a moving picture and a tone, generated. Speaks as protocol.mjs says.

`"publish": "sound"` in its job: only the tone, and it subscribes to nothing."""

import asyncio
import json
import math
import struct
import sys

from livekit import rtc

WIDTH, HEIGHT, RATE = 640, 360, 48000
job = json.loads(sys.argv[1])
seen = {"video": {}, "audio": {}, "data": {}, "size": {}}
tasks = []


def say(message):
    print(json.dumps(message), flush=True)


def spawn(coroutine):
    tasks.append(asyncio.create_task(coroutine))


async def watch(track, identity):
    async for event in rtc.VideoStream(track):
        seen["video"][identity] = seen["video"].get(identity, 0) + 1
        seen["size"][identity] = f"{event.frame.width}x{event.frame.height}"


async def listen(track, identity):
    async for event in rtc.AudioStream(track):
        if max(event.frame.data) > 300:
            seen["audio"][identity] = seen["audio"].get(identity, 0) + 1


async def show(source):
    for tick in range(10**9):
        bar = tick * 8 % (WIDTH - 40)
        row = bytearray(b"\x40\x40\x40\xff" * WIDTH)
        row[bar * 4 : (bar + 40) * 4] = b"\xff" * 160
        source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, bytes(row) * HEIGHT))
        await asyncio.sleep(1 / 15)


async def hum(source):
    # Five blocks of 10 ms are 22 whole periods of 440 Hz: computed once, so that a program under test has the machine to itself.
    count = RATE // 100
    samples = [int(8000 * math.sin(at * 2 * math.pi * 440 / RATE)) for at in range(5 * count)]
    blocks = [struct.pack(f"<{count}h", *samples[at * count : (at + 1) * count]) for at in range(5)]
    for block in range(10**9):
        await source.capture_frame(rtc.AudioFrame(blocks[block % 5], RATE, 1, count))


async def main():
    room = rtc.Room()

    @room.on("track_subscribed")
    def _(track, _publication, person):
        video = track.kind == rtc.TrackKind.KIND_VIDEO
        spawn((watch if video else listen)(track, person.identity))

    @room.on("data_received")
    def _(packet):
        if packet.participant:
            seen["data"][packet.participant.identity] = packet.data.decode()

    @room.on("disconnected")
    def _(reason):
        say({"event": "Disconnected", "reason": str(reason)})

    # With a camera of its own, it subscribes once that is published for good. The offer for it makes its libwebrtc build all video
    # receivers anew (the SDK adds x-google-start-bitrate to every section), and one that gets a packet in that moment loses its track.
    shows = job.get("publish") is True
    settled = asyncio.Event()

    async def subscribe(publication):
        await settled.wait()
        publication.set_subscribed(True)

    if shows:
        room.on("track_published", lambda publication, _person: spawn(subscribe(publication)))
        room.on("local_track_subscribed", lambda track: track.kind == rtc.TrackKind.KIND_VIDEO and settled.set())
    talks = job.get("publish") == "sound"
    await room.connect(job["url"], job["token"], rtc.RoomOptions(auto_subscribe=not shows and not talks))
    if shows:
        for person in room.remote_participants.values():
            for publication in person.track_publications.values():
                spawn(subscribe(publication))
    say({"connected": True})
    if shows:
        picture = rtc.VideoSource(WIDTH, HEIGHT)
        camera = rtc.LocalVideoTrack.create_video_track("camera", picture)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=True)
        await room.local_participant.publish_track(camera, options)
        spawn(show(picture))
    if job.get("publish"):
        sound = rtc.AudioSource(RATE, 1)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(microphone, options)
        spawn(hum(sound))

    async def report():
        hello = f"hello from {room.local_participant.identity}"
        while True:
            await room.local_participant.publish_data(hello, reliable=True)
            say({**seen, "people": list(room.remote_participants)})
            await asyncio.sleep(0.5)

    spawn(report())
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await room.disconnect()


asyncio.run(main())
