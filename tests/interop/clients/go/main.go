// LiveKit's Go SDK, unmodified, over a single connection. It has no encoder: what it receives of the first participant who has a camera and a
// microphone it publishes once more as its own. protocol.mjs says how it is spoken to.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

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
	seen   = map[string]map[string]any{"video": {}, "audio": {}, "data": {}}
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

// published has a track of our own for each kind. A remote track can come again on another section, and goes on where it was.
var (
	publishing sync.Mutex
	published  = map[webrtc.RTPCodecType]*lksdk.LocalTrack{}
)

// own gives our track of a kind, published.
func own(from *webrtc.TrackRemote, other *lksdk.RemoteParticipant, room *lksdk.Room) *lksdk.LocalTrack {
	publishing.Lock()
	defer publishing.Unlock()
	if track, ok := published[from.Kind()]; ok {
		return track
	}
	// Key frames can be made where the picture comes from alone.
	onRTCP := lksdk.WithRTCPHandler(func(packet rtcp.Packet) {
		switch packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			for _, publication := range other.TrackPublications() {
				if track, ok := publication.(*lksdk.RemoteTrackPublication); ok && track.TrackRemote() != nil {
					other.WritePLI(track.TrackRemote().SSRC())
				}
			}
		}
	})
	track, err := lksdk.NewLocalTrack(from.Codec().RTPCodecCapability, onRTCP)
	if err != nil {
		fail("a track", err)
	}
	published[from.Kind()] = track
	options := &lksdk.TrackPublicationOptions{Name: from.Kind().String(), VideoWidth: 640, VideoHeight: 360}
	if _, err := room.LocalParticipant.PublishTrack(track, options); err != nil {
		fail("publishing", err)
	}
	return track
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
			if err := to.WriteSample(media.Sample{Data: frame.Data, Duration: frame.Duration}, nil); err != nil {
				return
			}
		}
	}
}

func main() {
	var job struct{ URL, Token, Echo string }
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
	if err := room.JoinWithToken(job.URL, job.Token, lksdk.WithSinglePeerConnection()); err != nil {
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
	}
	room.Disconnect()
}
