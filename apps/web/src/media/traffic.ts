// Whether the media server answers. It reports on all that it is sent (RTCP) many times a second, so that nothing at all means that media do not
// pass. The browser itself takes 8 s to call a connection disconnected, and 20 s and more to give it up.

/** So many samples in a row without an answer, one each {@link period}: 2 s. */
const patience = 4;
const period = 500;

/** What a connection has carried since it was made. */
interface Traffic {
  /** Packets of sound and pictures. */
  sent: number;
  /** Bytes of any kind. */
  received: number;
}

/** From the statistics of a connection. */
const trafficOf = (stats: Iterable<RTCStats>): Traffic => {
  const traffic = { sent: 0, received: 0 };
  for (const one of stats) {
    if (one.type === "outbound-rtp") traffic.sent += (one as RTCOutboundRtpStreamStats).packetsSent ?? 0;
    // Firefox counts by pair only, and which pair is in use can change.
    if (one.type === "candidate-pair") traffic.received += (one as RTCIceCandidatePairStats).bytesReceived ?? 0;
  }
  return traffic;
};

/** Counts samples and not time, since a page or a machine that slept has heard nothing either. */
class Stall {
  private last: Traffic = { sent: 0, received: 0 };
  private unanswered = 0;

  /** `disconnected`: the browser sent something of its own and got no answer. Returns whether nothing is answered any more. */
  sample(traffic: Traffic, disconnected: boolean): boolean {
    if (traffic.received !== this.last.received) this.unanswered = 0;
    // Who sends nothing cannot tell its own silence from that of all others.
    else if (disconnected || traffic.sent !== this.last.sent) this.unanswered += 1;
    this.last = traffic;
    return this.unanswered >= patience;
  }
}

/** Tells each change of whether the server answers, until the connection is closed. */
export const watchTraffic = (connection: RTCPeerConnection, tell: (stalled: boolean) => void): void => {
  const stall = new Stall();
  let was = false;
  const set = (stalled: boolean): void => {
    if (stalled !== was) tell((was = stalled));
  };
  const sample = async (): Promise<void> => {
    const stats = await connection.getStats();
    if (connection.signalingState !== "closed") set(stall.sample(trafficOf(stats.values()), connection.iceConnectionState === "disconnected"));
  };
  const timer = setInterval(() => {
    if (connection.signalingState !== "closed") return void sample().catch(() => undefined);
    clearInterval(timer);
    set(false);
  }, period);
};
