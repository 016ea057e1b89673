// LiveKit's Go SDK, unmodified, over a single connection or, as it does unless told otherwise, over one to send and one to receive. It has no
// encoder: what it receives of the participant whom its job names it publishes once more as its own, the picture in two layers that differ in their
// names alone. protocol.mjs says how it is spoken to.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"
)

// Packets that a frame may be late by.
const late = 64

var (
	output sync.Mutex
	state  sync.Mutex
	// wanted counts the key frames that each layer was asked for.
	seen = map[string]map[string]any{"video": {}, "audio": {}, "data": {}, "wanted": {}}
)

func say(message any) {
	output.Lock()
	defer output.Unlock()
	line, err := json.Marshal(message)
	if err == nil {
		fmt.Println(string(line))
	}
}

func fail(what string, err error) {
	say(map[string]string{"error": fmt.Sprintf("%s: %v", what, err)})
	os.Exit(1)
}

func count(kind, identity string) {
	state.Lock()
	defer state.Unlock()
	before, _ := seen[kind][identity].(int)
	seen[kind][identity] = before + 1
}

// layers of the picture, smallest first.
var layers = []*livekit.VideoLayer{
	{Quality: livekit.VideoQuality_LOW, Width: 320, Height: 180},
	{Quality: livekit.VideoQuality_HIGH, Width: 640, Height: 360},
}

// published has our own tracks for each kind, one for each layer. A remote track can come again on another section, and goes on where it was.
var (
	publishing sync.Mutex
	published  = map[webrtc.RTPCodecType][]*lksdk.LocalTrack{}
)

// track makes a track of our own, which asks for key frames where the picture comes from: they can be made there alone.
func track(from *webrtc.TrackRemote, other *lksdk.RemoteParticipant, layer string, options ...lksdk.LocalTrackOptions) *lksdk.LocalTrack {
	onRTCP := lksdk.WithRTCPHandler(func(packet rtcp.Packet) {
		switch packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			count("wanted", layer)
			for _, publication := range other.TrackPublications() {
				if track, ok := publication.(*lksdk.RemoteTrackPublication); ok && track.TrackRemote() != nil {
					other.WritePLI(track.TrackRemote().SSRC())
				}
			}
		}
	})
	track, err := lksdk.NewLocalTrack(from.Codec().RTPCodecCapability, append(options, onRTCP)...)
	if err != nil {
		fail("a track", err)
	}
	return track
}

// own gives our tracks of a kind, published.
func own(from *webrtc.TrackRemote, other *lksdk.RemoteParticipant, room *lksdk.Room) []*lksdk.LocalTrack {
	publishing.Lock()
	defer publishing.Unlock()
	if tracks, ok := published[from.Kind()]; ok {
		return tracks
	}
	var tracks []*lksdk.LocalTrack
	var err error
	if from.Kind() == webrtc.RTPCodecTypeVideo {
		for _, layer := range layers {
			tracks = append(tracks, track(from, other, layer.Quality.String(), lksdk.WithSimulcast("camera", layer)))
		}
		_, err = room.LocalParticipant.PublishSimulcastTrack(tracks, &lksdk.TrackPublicationOptions{Name: "camera", Source: livekit.TrackSource_CAMERA})
	} else {
		tracks = append(tracks, track(from, other, "sound"))
		options := &lksdk.TrackPublicationOptions{Name: "microphone", Source: livekit.TrackSource_MICROPHONE}
		_, err = room.LocalParticipant.PublishTrack(tracks[0], options)
	}
	if err != nil {
		fail("publishing", err)
	}
	published[from.Kind()] = tracks
	return tracks
}

// echo publishes what comes on a track of another participant, frame by frame.
func echo(from *webrtc.TrackRemote, other *lksdk.RemoteParticipant, room *lksdk.Room) {
	var depacketizer rtp.Depacketizer = &codecs.OpusPacket{}
	if from.Kind() == webrtc.RTPCodecTypeVideo {
		depacketizer = &codecs.VP8Packet{}
	}
	to := own(from, other, room)
	frames := samplebuilder.New(late, depacketizer, from.Codec().ClockRate)
	for {
		packet, _, err := from.ReadRTP()
		if err != nil {
			return
		}
		frames.Push(packet)
		for frame := frames.Pop(); frame != nil; frame = frames.Pop() {
			count(from.Kind().String(), other.Identity())
			for _, track := range to {
				if err := track.WriteSample(media.Sample{Data: frame.Data, Duration: frame.Duration}, nil); err != nil {
					return
				}
			}
		}
	}
}

func main() {
	var job struct {
		URL, Token, Echo string
		Single           bool
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &job); err != nil {
		fail("the job", err)
	}
	var room *lksdk.Room
	joined := make(chan struct{})
	room = lksdk.NewRoom(&lksdk.RoomCallback{
		OnDisconnectedWithReason: func(reason lksdk.DisconnectionReason) {
			say(map[string]string{"event": "Disconnected", "reason": string(reason)})
		},
		OnReconnecting: func() { say(map[string]string{"event": "Reconnecting"}) },
		OnReconnected:  func() { say(map[string]string{"event": "Reconnected"}) },
		ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackSubscribed: func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, other *lksdk.RemoteParticipant) {
				if other.Identity() == job.Echo {
					go func() {
						<-joined
						echo(track, other, room)
					}()
				}
			},
			OnDataPacket: func(packet lksdk.DataPacket, params lksdk.DataReceiveParams) {
				if user, ok := packet.(*lksdk.UserDataPacket); ok {
					state.Lock()
					seen["data"][params.SenderIdentity] = string(user.Payload)
					state.Unlock()
				}
			},
		},
	})
	var options []lksdk.ConnectOption
	if job.Single {
		options = append(options, lksdk.WithSinglePeerConnection())
	}
	if err := room.JoinWithToken(job.URL, job.Token, options...); err != nil {
		fail("joining", err)
	}
	close(joined)
	say(map[string]bool{"connected": true})

	go func() {
		hello := lksdk.UserData([]byte("hello from " + room.LocalParticipant.Identity()))
		for range time.Tick(500 * time.Millisecond) {
			if err := room.LocalParticipant.PublishDataPacket(hello, lksdk.WithDataPublishReliable(true)); err != nil {
				say(map[string]string{"event": "DataRefused", "reason": err.Error()})
			}
			state.Lock()
			say(seen)
			state.Unlock()
		}
	}()
	// The end of input ends the client.
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var line struct{ Do string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Do == "resume" {
			room.Simulate(lksdk.SimulateSignalReconnect)
		}
	}
	room.Disconnect()
}
