// Streams that look like people and like a shared document, drawn here.

const paint = (width: number, height: number, draw: (canvas: CanvasRenderingContext2D) => void): MediaStream => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context) {
    draw(context);
    // A still canvas sends no frame to a late viewer: keep drawing, slowly.
    setInterval(() => draw(context), 250);
  }
  return canvas.captureStream();
};

/** From a phone that stands upright. */
export const portrait = (hue: number): MediaStream =>
  paint(360, 640, (canvas) => {
    canvas.fillStyle = `oklch(50% 0.05 ${hue})`;
    canvas.fillRect(0, 0, 360, 640);
    canvas.fillStyle = "oklch(66% 0.05 50)";
    canvas.beginPath();
    canvas.arc(180, 120, 100, 0, 7);
    canvas.fill();
  });

export const person = (hue: number, x: number): MediaStream =>
  paint(640, 360, (canvas) => {
    const wall = canvas.createLinearGradient(0, 0, 640, 360);
    wall.addColorStop(0, `oklch(58% 0.05 ${hue})`);
    wall.addColorStop(1, `oklch(30% 0.04 ${hue + 30})`);
    canvas.fillStyle = wall;
    canvas.fillRect(0, 0, 640, 360);
    canvas.fillStyle = `oklch(${45 + (hue % 30)}% 0.06 ${hue})`;
    canvas.beginPath();
    canvas.ellipse(x, 380, 130, 140, 0, 0, 7);
    canvas.fill();
    canvas.fillStyle = `oklch(${72 - (hue % 40) / 2}% 0.05 50)`;
    canvas.beginPath();
    canvas.arc(x, 168, 58, 0, 7);
    canvas.fill();
  });

export const screen = (title: string, hue: number): MediaStream =>
  paint(1280, 800, (canvas) => {
    canvas.fillStyle = "white";
    canvas.fillRect(0, 0, 1280, 800);
    canvas.fillStyle = `oklch(30% 0.05 ${hue})`;
    canvas.font = "600 40px serif";
    canvas.fillText(title, 90, 110);
    canvas.fillStyle = `oklch(90% 0.02 ${hue})`;
    for (let line = 0; line < 14; line += 1) canvas.fillRect(90, 160 + line * 42, 900 + ((line * 137) % 200) - (line % 5 === 4 ? 400 : 0), 12);
  });

/** A picture whose first frame never comes. */
export const nothingYet = (): MediaStream => new MediaStream([new RTCPeerConnection().addTransceiver("video").receiver.track]);
