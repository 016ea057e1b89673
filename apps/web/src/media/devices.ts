import type { Device, DeviceKind } from "../api.ts";

const kinds: Record<MediaDeviceKind, DeviceKind> = { audioinput: "microphone", videoinput: "camera", audiooutput: "speaker" };

export type Devices = Record<DeviceKind, Device[]>;

/** What is plugged in, as far as the browser tells; before it was allowed to capture it tells no names. */
export const listDevices = async (): Promise<Devices> => {
  const devices: Devices = { microphone: [], camera: [], speaker: [] };
  const found = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  for (const { deviceId: id, kind, label } of found) if (id !== "") devices[kinds[kind]].push({ id, label });
  return devices;
};

/** Tells what is plugged in now and after each change, until the returned function is called. */
export const watchDevices = (tell: (devices: Devices) => void): (() => void) => {
  const changed = (): void => void listDevices().then(tell);
  navigator.mediaDevices.addEventListener("devicechange", changed);
  changed();
  return () => navigator.mediaDevices.removeEventListener("devicechange", changed);
};

/** The chosen device as long as it is there; else the browser's first. */
export const settle = (chosen: string | null, devices: Device[]): string | null =>
  devices.some((device) => device.id === chosen) ? chosen : (devices[0]?.id ?? null);
