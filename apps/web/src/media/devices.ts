import type { Device, DeviceKind } from "../api.ts";

const kinds: Record<MediaDeviceKind, DeviceKind> = { audioinput: "microphone", videoinput: "camera", audiooutput: "speaker" };

export type Devices = Record<DeviceKind, Device[]>;

/** What is plugged in, as far as the browser tells; before the page was allowed to capture it tells no names. */
export const listDevices = async (): Promise<Devices> => {
  const devices: Devices = { microphone: [], camera: [], speaker: [] };
  const found = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  for (const { deviceId: id, kind, label } of found) if (id !== "") devices[kinds[kind]].push({ id, label });
  return devices;
};

/** Calls at once and on every change of what is plugged in, until the returned function is called. */
export const onDeviceChange = (listener: () => void): (() => void) => {
  navigator.mediaDevices.addEventListener("devicechange", listener);
  listener();
  return () => navigator.mediaDevices.removeEventListener("devicechange", listener);
};

/** The chosen device as long as it is there; else the browser's first. */
export const settle = (chosen: string | null, devices: Device[]): string | null =>
  devices.some((device) => device.id === chosen) ? chosen : (devices[0]?.id ?? null);
