"use strict";
// Every view of a scene; a pixel of one view, and its true place in each other view.
PixBench.views.scenes = {
  title: "Scenes",
  keys: [["j / k", "next, previous scene"], ["l", "next layer"], ["arrows", "move the probed pixel (shift: by 8)"]],

  async show(main, index, { scene: asked = 0 } = {}) {
    const { element, choice, load, array, number } = PixBench;
    const layers = ["image", "depth", "normals", "instances", "status"];
    const state = { scene: 0, layer: "image", source: 0 };
    const field = element("input", { type: "number", min: 0, max: index.shown - 1, value: 0, "aria-label": "scene" });
    const thumbs = element("div", { class: "thumbs" });
    const readout = element("p", { class: "readout", id: "scene-readout" });
    const scale = element("div");
    const pictures = element("div", { class: "pictures places" });
    const layer = choice(layers, state.layer, (name) => { state.layer = name; paint(); });
    const legend = element("div", { class: "legend" }, ...index.statuses.map(({ name, meaning }, code) => element("span", { title: meaning }, element("span", { class: `dot s${code}` }), name)));
    const said = index.shown < index.scenes ? `${index.shown} of ${index.scenes} scenes are in this folder` : `${index.scenes} scenes`;
    main.replaceChildren(
      element("div", { class: "bar" }, element("span", {}, `${index.folder} (${index.split}, seed ${index.seed}, ${said})`), element("label", {}, "scene", field), layer),
      element("div", { class: "stage" }, pictures, element("div", {}, readout, scale, legend, element("h2", {}, "Scenes"), thumbs)),
    );
    let scene = null;
    let views = [];
    let truths = new Map();
    const status = { VISIBLE: 1, OCCLUDED: 2 };
    const colours = ["#999", "#3f8a4c", "#c23b3b", "#a9a9a9", "#5d5d78", "#d6a21f"];

    async function open(number_) {
      state.scene = Math.max(0, Math.min(index.shown - 1, number_ || 0));
      field.value = state.scene;
      strip();
      const wanted = state.scene;
      const data = await load(`scenes/scene-${wanted}`);
      if (wanted !== state.scene) return;
      scene = { objects: data.objects, pairs: data.pairs };
      for (const name of ["rgb", "depth_m", "normal", "instance"]) scene[name] = await array(data[name]);
      const [count, height, width] = scene.rgb.shape;
      views = Array.from({ length: count }, (_, view) => new PixBench.Picture(`view ${view}`, width, height, { onprobe: (x, y) => probe(view, x, y) }));
      pictures.replaceChildren(...views.map((view) => view.figure));
      truths = new Map();
      const depth = Float32Array.from(scene.depth_m.values.filter((value) => value > 0)).sort();
      scene.near = depth[Math.floor(depth.length * 0.02)];
      scene.far = depth[Math.floor(depth.length * 0.98)];
      state.source = 0;
      await paint();
      await probe(0, Math.floor(width / 2), Math.floor(height / 2));
    }

    async function truth(a, b) {
      const key = `${a}-${b}`;
      if (!truths.has(key)) {
        truths.set(key, load(`scenes/truth-${state.scene}-${key}`).then(async (data) => ({ uv: (await array(data.uv)).values, status: (await array(data.status)).values })));
      }
      return truths.get(key);
    }

    async function paint() {
      scale.replaceChildren(...(state.layer === "depth" ? ["Depth: ", PixBench.scale(PixBench.palette.near, `${scene.near.toFixed(2)} m`, `${scene.far.toFixed(2)} m`)] : []));
      const [, height, width] = scene.rgb.shape;
      const pixels = width * height;
      for (const [number_, view] of views.entries()) {
        const base = number_ * pixels;
        if (state.layer === "image") view.paintRgb(scene.rgb.values, 3 * base);
        if (state.layer === "depth") view.paint((k) => { const z = scene.depth_m.values[base + k]; return z > 0 ? PixBench.palette.near[Math.max(0, Math.min(255, Math.round((255 * (z - scene.near)) / (scene.far - scene.near))))] : [255, 255, 255]; });
        if (state.layer === "normals") view.paint((k) => { const at = 3 * (base + k); const n = scene.normal.values; return n[at] || n[at + 1] || n[at + 2] ? [128 + n[at], 128 + n[at + 1], 128 + n[at + 2]] : [255, 255, 255]; });
        if (state.layer === "instances") view.paint((k) => PixBench.instanceColour(scene.instance.values[base + k]));
        if (state.layer === "status") await paintStatus(view, number_, base);
      }
    }

    // Of each other view: what becomes of the source view's pixels there, drawn on the source; and the source itself as it is.
    async function paintStatus(view, number_, base) {
      const seen = [[255, 255, 255], [63, 138, 76], [194, 59, 59], [169, 169, 169], [93, 93, 120], [214, 162, 31]];
      const other = number_ === state.source ? null : scene.pairs.find((pair) => pair.a === state.source && pair.b === number_);
      const grey = (k, from) => { const at = 3 * (from + k); const v = scene.rgb.values; return (v[at] + v[at + 1] + v[at + 2]) / 765; };
      if (!other) { view.paintRgb(scene.rgb.values, 3 * base); return; }
      const { status: codes } = await truth(state.source, number_);
      const from = state.source * scene.rgb.shape[1] * scene.rgb.shape[2];
      view.paint((k) => { const shade = 0.5 + 0.5 * grey(k, from); return seen[codes[k]].map((value) => Math.round(value * shade)); });
    }

    async function probe(source, x, y) {
      if (source !== state.source) { state.source = source; if (state.layer === "status") await paint(); }
      const wanted = state.scene;
      const [, height, width] = scene.rgb.shape;
      const pixel = y * width + x;
      const at = source * width * height + pixel;
      const instance = scene.instance.values[at];
      const z = scene.depth_m.values[at];
      const what = instance === 0 ? "no surface" : instance === 1 ? "room" : `${scene.objects[instance - 2]} (instance ${instance})`;
      readout.replaceChildren(element("span", {}, `view ${source}, pixel (${x}, ${y}), centre (${x + 0.5}, ${y + 0.5})`), element("span", {}, `${what}${z > 0 ? `, depth ${z.toFixed(3)} m` : ""}`));
      await Promise.all(views.map(async (view, target) => {
        if (target === source) { view.mark([{ x: x + 0.5, y: y + 0.5, colour: "#2f7fd6" }]); view.said.replaceChildren("source"); return; }
        const pair = scene.pairs.find((each) => each.a === source && each.b === target);
        if (!pair) { view.mark([]); view.said.replaceChildren("no pair"); return; }
        const { uv, status: codes } = await truth(source, target);
        if (wanted !== state.scene || state.source !== source) return;
        const code = codes[pixel];
        const [u, v] = [uv[2 * pixel], uv[2 * pixel + 1]];
        const inside = u >= 0 && v >= 0 && u < width && v < height && code !== 0;
        view.mark(inside ? [{ x: u, y: v, colour: colours[code], cross: code !== status.VISIBLE }] : []);
        const place = code === 0 || u < -1e5 ? "" : ` (${number(u, 2)}, ${number(v, 2)})`;
        view.said.replaceChildren(element("span", { class: `dot s${code}` }), index.statuses[code].name + place);
        view.frame.dataset.match = JSON.stringify({ source, x, y, u, v, status: code });
      }));
    }

    function strip() {
      const count = 18;
      const first = Math.max(0, Math.min(index.shown - count, state.scene - Math.floor(count / 2)));
      const wanted = Array.from({ length: Math.min(count, index.shown) }, (_, k) => first + k);
      thumbs.replaceChildren(...wanted.map((number_) => {
        const canvas = element("canvas", { width: 64, height: 64 });
        load(`scenes/thumb-${number_}`).then((data) => array(data.rgb)).then(({ values, shape }) => {
          const small = new PixBench.Picture("", shape[1], shape[0]);
          small.paintRgb(values);
          canvas.getContext("2d").drawImage(small.canvas, 0, 0, 64, 64);
        }).catch(() => {});
        return element("button", { type: "button", title: `scene ${number_}`, "aria-label": `scene ${number_}`, "aria-current": String(number_ === state.scene), onclick: () => open(number_) }, canvas);
      }));
    }

    field.addEventListener("change", () => open(Number(field.value)));
    this.onkey = (key) => {
      if (key === "j") open(state.scene + 1);
      if (key === "k") open(state.scene - 1);
      if (key === "l") layer.next();
    };
    await open(asked);
  },
};
