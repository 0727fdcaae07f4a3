"use strict";
// A picture with a probe: a pixel under the mouse, or one moved by the arrow keys, and marks at positions in pixels.
PixBench.palette = {
  turbo: Array.from({ length: 256 }, (_, k) => {
    const x = k / 255;
    const wave = (centre) => Math.max(0, Math.min(1, 1.5 - Math.abs(4 * x - centre)));
    return [Math.round(255 * wave(3)), Math.round(255 * wave(2)), Math.round(255 * wave(1))];
  }),
  // From dark (near) to pale (far).
  near: Array.from({ length: 256 }, (_, k) => {
    const x = k / 255;
    return [Math.round(255 * Math.min(1, 0.10 + 0.90 * x ** 0.8)), Math.round(255 * Math.min(1, 0.14 + 0.84 * x ** 1.1)), Math.round(255 * Math.min(1, 0.36 + 0.55 * x ** 1.6))];
  }),
  // Blue, white, red.
  signed: Array.from({ length: 256 }, (_, k) => {
    const x = (k - 127.5) / 127.5;
    const pale = 1 - Math.abs(x) ** 0.8;
    return x < 0 ? [Math.round(27 + 228 * pale), Math.round(79 + 176 * pale), Math.round(160 + 95 * pale)] : [Math.round(190 + 65 * pale), Math.round(60 + 195 * pale), Math.round(40 + 215 * pale)];
  }),
};

// What the colours of a map stand for: its smallest and its largest value.
PixBench.scale = (palette, low, high) => {
  const { element } = PixBench;
  const stops = Array.from({ length: 9 }, (_, k) => `rgb(${palette[Math.min(255, 32 * k)].join(" ")})`);
  return element("span", { class: "scale" }, element("span", {}, low), element("i", { style: `background: linear-gradient(to right, ${stops.join(", ")})` }), element("span", {}, high));
};

PixBench.instanceColour = (number) => {
  if (number === 0) return [255, 255, 255];
  if (number === 1) return [209, 209, 209];
  const hue = ((number * 0.381) % 1) * 6;
  const channel = (shift) => {
    const k = (shift + hue) % 6;
    return Math.round(230 * (1 - 0.55 * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
};

PixBench.Picture = class {
  constructor(label, width, height, { onprobe = null, title = "" } = {}) {
    const { element } = PixBench;
    this.width = width;
    this.height = height;
    this.canvas = element("canvas", { width, height });
    this.marks = element("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.frame = element("div", { class: "picture", tabindex: onprobe ? "0" : null, "aria-label": label, role: "img" }, this.canvas, this.marks);
    this.name = element("b", {}, label);
    this.said = element("span", { class: "status" });
    this.figure = element("figure", { title }, this.frame, element("figcaption", {}, this.name, this.said));
    this.probe = [Math.floor(width / 2), Math.floor(height / 2)];
    if (onprobe) {
      let asked = null;
      const move = (column, row) => {
        this.probe = [Math.max(0, Math.min(width - 1, column)), Math.max(0, Math.min(height - 1, row))];
        // One answer a frame of the screen, however fast the mouse is.
        if (asked === null) asked = requestAnimationFrame(() => { asked = null; onprobe(...this.probe); });
      };
      const follow = (event) => {
        const box = this.canvas.getBoundingClientRect();
        move(Math.floor(((event.clientX - box.left) / box.width) * width), Math.floor(((event.clientY - box.top) / box.height) * height));
      };
      this.frame.addEventListener("pointermove", follow);
      this.frame.addEventListener("pointerdown", follow);
      this.frame.addEventListener("keydown", (event) => {
        const step = event.shiftKey ? 8 : 1;
        const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
        if (!by) return;
        event.preventDefault();
        event.stopPropagation();
        move(this.probe[0] + by[0], this.probe[1] + by[1]);
      });
    }
  }

  // `colour(pixel)` gives red, green and blue of a pixel's number in reading order.
  paint(colour) {
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    const image = context.createImageData(this.width, this.height);
    for (let pixel = 0, at = 0; pixel < this.width * this.height; pixel += 1, at += 4) {
      const [red, green, blue] = colour(pixel);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  // A number for each pixel, from `low` to `high`, by a palette of 256 colours; in words of four bytes, because probes wait for it.
  paintScale(values, low, high, palette) {
    this.image ??= this.canvas.getContext("2d", { willReadFrequently: true }).createImageData(this.width, this.height);
    const words = new Uint32Array(this.image.data.buffer);
    palette.words ??= Uint32Array.from(palette, ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    const table = palette.words;
    const scale = 255 / Math.max(high - low, 1e-9);
    for (let pixel = 0; pixel < words.length; pixel += 1) words[pixel] = table[((values[pixel] - low) * scale + 0.5) | 0];
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  paintRgb(values, offset = 0) {
    this.paint((pixel) => { const at = offset + 3 * pixel; return [values[at], values[at + 1], values[at + 2]]; });
  }

  // Marks are rings or crosses: { x, y, colour, cross, label }.
  mark(marks) {
    const { element } = PixBench;
    const size = Math.max(this.width, this.height) / 45;
    this.marks.replaceChildren(...marks.flatMap(({ x, y, colour, cross = false }) => {
      const shape = (width, stroke) => cross
        ? element("path", { class: "mark", d: `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`, style: `stroke:${stroke};stroke-width:${width}` })
        : element("circle", { class: "mark", cx: x, cy: y, r: size, style: `stroke:${stroke};stroke-width:${width}` });
      return [shape(4.5, "#fff"), shape(2, colour)];
    }));
  }
};
