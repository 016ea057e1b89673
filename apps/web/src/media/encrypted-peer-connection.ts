// Every RTCPeerConnection of this page: its senders and receivers have our transform from the moment they exist.
import type { Sealed } from "../worker/session-worker.ts";

/** What a connection needs to seal its media. */
export interface Sealer {
  /** A connection was made. */
  made(connection: RTCPeerConnection): void;
  transform(direction: "seal" | "open"): Sealed;
  /** Binds a new sender's transform to the source of its track; throws for a track that is not ours to send. */
  bindSender(track: MediaStreamTrack, sealed: Sealed): void;
  /** A sender or receiver without transform was found. */
  unsealed(): void;
  /** Frames of sound are all of one size, whoever speaks. */
  hidesSpeech(): boolean;
}

const transforms = new WeakMap<RTCRtpSender | RTCRtpReceiver, Sealed>();

/** The transform of a sender or receiver; `undefined` means that it must not be used. */
export const sealedOf = (end: RTCRtpSender | RTCRtpReceiver): Sealed | undefined => {
  const sealed = transforms.get(end);
  return sealed && end.transform === sealed.script ? sealed : undefined;
};

/** Who reads the volume of the voice from packet headers knows who speaks; we tell that sealed. */
const volume = /^a=extmap:\d+(?:\/\w+)? urn:ietf:params:rtp-hdrext:(?:ssrc|csrc)-audio-level.*\r?\n/gm;

/** A description without the extensions that show the volume of the voice. */
export const withoutVolume = (sdp: string): string => sdp.replace(volume, "");

/** A description by which whoever sends Opus to its author sends frames of one size, one after the other (RFC 7587, section 6.1). */
export const atConstantBitrate = (sdp: string): string => {
  const opus = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000/gim)].map(([, type]) => type));
  return sdp.replace(/^a=fmtp:(\d+) (.*?)(\r?)$/gm, (line, type: string, parameters: string, end: string) => {
    if (!opus.has(type)) return line;
    const kept = parameters.split(";").filter((one) => !/^\s*(?:cbr|usedtx)=/.test(one));
    return `a=fmtp:${type} ${[...kept, "cbr=1", "usedtx=0"].join(";")}${end}`;
  });
};

const original = globalThis.RTCPeerConnection;

/**
 * Makes every connection made from now on a sealed one, whoever makes it: livekit-client takes the global constructor.
 * There is one live session in a page, so one sealer.
 */
export const sealConnections = (sealer: Sealer): void => {
  globalThis.RTCPeerConnection = class extends original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      // Before any listener of livekit-client, and before the first frame is decoded.
      this.addEventListener("track", (event) => this.seal(event.transceiver));
      this.addEventListener("signalingstatechange", () => this.verify());
      this.addEventListener("connectionstatechange", () => this.verify());
      sealer.made(this);
    }

    override addTransceiver(trackOrKind: MediaStreamTrack | string, init?: RTCRtpTransceiverInit): RTCRtpTransceiver {
      const transceiver = super.addTransceiver(trackOrKind, init);
      this.seal(transceiver);
      return transceiver;
    }

    override addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
      const sender = super.addTrack(track, ...streams);
      for (const transceiver of this.getTransceivers()) if (transceiver.sender === sender) this.seal(transceiver);
      return sender;
    }

    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      const { type, sdp } = description;
      const quiet = (sdp: string): string => withoutVolume(sealer.hidesSpeech() ? atConstantBitrate(sdp) : sdp);
      await super.setRemoteDescription(sdp === undefined ? description : { type, sdp: quiet(sdp) });
      for (const transceiver of this.getTransceivers()) this.seal(transceiver);
    }

    private seal({ sender, receiver }: RTCRtpTransceiver): void {
      if (!transforms.has(receiver)) attach(receiver, sealer.transform("open"));
      if (!transforms.has(sender)) {
        const sealed = sealer.transform("seal");
        attach(sender, sealed);
        if (sender.track) sealer.bindSender(sender.track, sealed);
      }
    }

    private verify(): void {
      const ends = [...this.getSenders(), ...this.getReceivers()];
      if (this.signalingState !== "closed" && ends.some((end) => !sealedOf(end))) sealer.unsealed();
    }
  };
};

/** livekit-client takes the transform off receivers whose tracks it knows nothing special of: from here on nobody can. */
const attach = (end: RTCRtpSender | RTCRtpReceiver, sealed: Sealed): void => {
  end.transform = sealed.script;
  transforms.set(end, sealed);
  const native = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(end) as object, "transform");
  // Reading still asks the browser, so that what is verified is what is so.
  Object.defineProperty(end, "transform", { get: () => native?.get?.call(end) as unknown, set: () => undefined });
};
