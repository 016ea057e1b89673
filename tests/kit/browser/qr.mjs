// What a fake camera films that is held to a screen with a QR code.
import { require } from "./drivers.mjs";

const { encodeQR } = await import(require.resolve("qr"));

/** A screen that is held to the camera: `code` is a QR code, its rows of modules, with their margin. The hand shakes a little. */
export const filmOfCode = (code, { width = 1280, height = 720, frames = 10, fps = 10 } = {}) => {
  const size = Math.floor((height * 0.8) / code.length);
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420mpeg2\n`)];
  const colour = Buffer.alloc((width * height) / 2, 128);
  for (let frame = 0; frame < frames; frame++) {
    const luma = Buffer.alloc(width * height, 90);
    const [left, top] = [Math.floor((width - size * code.length) / 2) + (frame % 3), Math.floor((height - size * code.length) / 2) + (frame % 2)];
    code.forEach((row, y) => {
      for (let line = top + y * size; line < top + (y + 1) * size; line++) row.forEach((dark, x) => luma.fill(dark ? 30 : 220, line * width + left + x * size, line * width + left + (x + 1) * size));
    });
    parts.push(Buffer.from("FRAME\n"), luma, colour);
  }
  return Buffer.concat(parts);
};

/** The same for a text, drawn as the page draws it. */
export const qrOf = (text) => filmOfCode(encodeQR(text, "raw", { ecc: "medium", border: 4 }));
