// What a fake camera films: somebody in front of a wall, in colours of their own, who sways so that no two pictures are the same.

/** BT.601, studio range. */
const yuv = ([r, g, b]) => [16 + (65.5 * r + 128.6 * g + 25 * b) / 255, 128 + (-37.8 * r - 74.2 * g + 112 * b) / 255, 128 + (112 * r - 93.8 * g - 18.2 * b) / 255].map(Math.round);

/** The blue and red difference of a person's wall and clothes: by these its picture is known again. */
export const chromaOf = (rgb) => yuv(rgb).slice(1);

/** YUV4MPEG2, 4:2:0; the browser loops it. Slow, so that two browsers that encode leave a two-core machine room for the rest. */
export const film = (wall, { width = 1280, height = 720, frames = 20, fps = 10 } = {}) => {
  const plane = (w, h, value) => Buffer.alloc(w * h, value);
  const [, u, v] = yuv(wall);
  const back = [Buffer.alloc(width * height), plane(width / 2, height / 2, u), plane(width / 2, height / 2, v)];
  for (let y = 0; y < height; y++) back[0].fill(Math.round(150 - (80 * y) / height), y * width, (y + 1) * width);
  const cloth = yuv(wall.map((part) => part * 0.55));
  const skin = yuv([196, 156, 132]);

  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420mpeg2\n`)];
  for (let i = 0; i < frames; i++) {
    const planes = back.map((one) => Buffer.from(one));
    const x = width * (0.5 + 0.03 * Math.sin((2 * Math.PI * i) / frames));
    ellipse(planes, [width, height], [x, height * 1.06], [width * 0.2, height * 0.42], cloth);
    ellipse(planes, [width, height], [x, height * 0.44], [height * 0.17, height * 0.17], skin);
    parts.push(Buffer.from("FRAME\n"), ...planes);
  }
  return Buffer.concat(parts);
};

const ellipse = (planes, [width, height], [x, y], [a, b], colour) => {
  planes.forEach((plane, index) => {
    const scale = index === 0 ? 1 : 2;
    const stride = width / scale;
    for (let row = 0; row < height / scale; row++) {
      const reach = 1 - ((row * scale - y) / b) ** 2;
      if (reach <= 0) continue;
      const half = (a * Math.sqrt(reach)) / scale;
      const [from, to] = [x / scale - half, x / scale + half].map((at) => Math.min(stride, Math.max(0, Math.round(at))));
      plane.fill(colour[index], row * stride + from, row * stride + to);
    }
  });
};
