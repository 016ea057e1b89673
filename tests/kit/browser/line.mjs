// One person's line to the server, in two halves that can be cut one by one: TCP, which carries the page and both WebSockets, and UDP, which
// carries media. Nothing of what passes is read.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

const listening = (socket, event) => new Promise((done, fail) => socket.once(event, done).once("error", fail));

/** Runs inside the page, before it: what the server says of its media port is changed to that of a line. It must stand on its own. */
export const takeDetour = ({ from, to }) => {
  const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
  const over = (text) => text?.replaceAll(from, to);
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return setRemoteDescription.call(this, { type, sdp: over(sdp) });
  };
  RTCPeerConnection.prototype.addIceCandidate = function (candidate) {
    return addIceCandidate.call(this, candidate && { ...(candidate.toJSON?.() ?? candidate), candidate: over(candidate.candidate) });
  };
};

export class Line {
  #sockets = new Set();
  #lines = new Map();
  /** "closed": connections end and new ones are refused, as behind a proxy that died; "dead": nothing arrives any more, as with a cable pulled out. */
  #tcp = "open";
  #udp = "open";

  /** `media`: address and UDP port of the media server, "10.200.0.1 7882". */
  static async open(link, media) {
    const line = new Line();
    const [address, port] = media.split(" ");
    line.media = { address, port: Number(port) };
    line.server = Number(new URL(link).port);
    await line.#listen(0);
    line.front = createSocket("udp4");
    line.front.on("message", (bytes, from) => line.#up(bytes, from));
    line.front.bind(0, address);
    await listening(line.front, "listening");
    return line;
  }

  /** This link, over this line. */
  link(link) {
    const url = new URL(link);
    url.port = `${this.port}`;
    return url.href;
  }

  /** For {@link takeDetour}. */
  get detour() {
    const { address, port } = this.media;
    return { from: `${address} ${port} `, to: `${address} ${this.front.address().port} ` };
  }

  async cut({ tcp = "open", udp = "open" }) {
    const was = this.#tcp;
    this.#tcp = tcp;
    this.#udp = udp;
    if (tcp === "closed") for (const socket of this.#sockets) socket.destroy();
    // What was held up goes on: TCP sends it again.
    else for (const socket of this.#sockets) tcp === "dead" ? socket.pause() : socket.resume();
    if (tcp === "closed" && was !== "closed") await new Promise((done) => this.listener.close(done));
    if (tcp !== "closed" && was === "closed") await this.#listen(this.port);
  }

  async close() {
    await this.cut({ tcp: "closed", udp: "dead" });
    for (const back of this.#lines.values()) back.close();
    this.front.close();
  }

  async #listen(port) {
    this.listener = createServer({ pauseOnConnect: true }, (near) => this.#carry(near));
    this.listener.listen(port, "127.0.0.1");
    await listening(this.listener, "listening");
    this.port = this.listener.address().port;
  }

  #carry(near) {
    const far = connect(this.server, "127.0.0.1");
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("data", (bytes) => other.write(bytes));
      socket.on("end", () => other.end());
      socket.on("error", () => other.destroy());
      socket.on("close", () => (this.#sockets.delete(socket), other.destroy()));
      if (this.#tcp === "dead") socket.pause();
      else socket.resume();
    }
  }

  #up(bytes, { address, port }) {
    if (this.#udp === "dead") return;
    const key = `${address} ${port}`;
    let back = this.#lines.get(key);
    if (!back) {
      this.#lines.set(key, (back = createSocket("udp4")));
      back.on("message", (down) => this.#udp === "open" && this.front.send(down, port, address));
      back.on("error", () => undefined);
    }
    back.send(bytes, this.media.port, this.media.address);
  }
}
