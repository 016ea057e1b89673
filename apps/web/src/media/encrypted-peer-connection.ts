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
      await super.setRemoteDescription(sdp === undefined ? description : { type, sdp: withoutVolume(sdp) });
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
