import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchTraffic } from "./traffic.ts";

/** A connection that carries what a test says, each half second. */
class Connection {
  signalingState = "stable";
  iceConnectionState = "connected";
  sent = 0;
  received = 0;
  async getStats() {
    const all = [
      { type: "outbound-rtp", packetsSent: this.sent },
      { type: "outbound-rtp" },
      { type: "candidate-pair", bytesReceived: this.received },
      { type: "candidate-pair", bytesReceived: 7 },
      { type: "inbound-rtp", bytesReceived: Math.random() },
    ];
    return new Map(all.map((one, i) => [`${i}`, one]));
  }
  async carry(seconds: number, { sent = 0, received = 0 }) {
    for (let half = 0; half < 2 * seconds; half += 1) {
      this.sent += sent;
      this.received += received;
      await vi.advanceTimersByTimeAsync(500);
    }
  }
}

let connection: Connection;
let told: boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  connection = new Connection();
  told = [];
  watchTraffic(connection as unknown as RTCPeerConnection, (stalled) => told.push(stalled));
});
afterEach(() => void vi.useRealTimers());

test("what is sent without an answer for 2 s has stalled, until an answer comes", async () => {
  await connection.carry(10, { sent: 25, received: 400 });
  await connection.carry(1.5, { sent: 25 });
  expect(told).toEqual([]);
  await connection.carry(0.5, { sent: 25 });
  expect(told).toEqual([true]);
  await connection.carry(60, { sent: 25 });
  await connection.carry(0.5, { received: 44 });
  expect(told).toEqual([true, false]);
});

test("who sends nothing hears of a stall from the browser alone, and silence is none", async () => {
  await connection.carry(10, { received: 400 });
  await connection.carry(60, {});
  expect(told).toEqual([]);
  connection.iceConnectionState = "disconnected";
  await connection.carry(2, {});
  expect(told).toEqual([true]);
  // The browser takes some seconds to notice.
  await connection.carry(2, { received: 400 });
  expect(told).toEqual([true, false]);
});

test("a connection that is closed has not stalled, and is not asked any more", async () => {
  await connection.carry(5, { sent: 25 });
  connection.signalingState = "closed";
  await connection.carry(1, {});
  expect(told).toEqual([true, false]);
  expect(vi.getTimerCount()).toBe(0);
});
