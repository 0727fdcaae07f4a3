"use strict";
// The channels of one image's descriptors, and its segments: pixels with equal codes of the chosen channels.
PixBench.views.channels = {
  title: "Channels",
  keys: [["j / k", "next, previous image"], ["click a channel", "take it into the code, or out"]],

  async show(main, index) {
    const { element, load, array, choice } = PixBench;
    const described = index.models.map((model, m) => [model, m]).filter(([model]) => model.described);
    const views = [...new Set(index.pairs.flatMap((pair) => [`${pair.scene}-${pair.a}`, `${pair.scene}-${pair.b}`]))].sort((one, other) => {
      const [a, b] = [one, other].map((name) => name.split("-").map(Number));
      return a[0] - b[0] || a[1] - b[1];
    });
    const state = { model: described[0][1], view: 0, chosen: new Set() };
    const select = element("select", { "aria-label": "image", onchange: (event) => { state.view = Number(event.target.value); open(); } }, ...views.map((name, k) => element("option", { value: k }, `scene ${name.split("-")[0]}, view ${name.split("-")[1]}`)));
    const top = element("div", { class: "pictures" });
    const grid = element("div", { class: "channels" });
    const words = element("p", { class: "readout", id: "code-readout" });
    const models = described.length > 1 ? choice(described.map(([model]) => model.name), described[0][0].name, (name) => { state.model = index.models.findIndex((model) => model.name === name); state.chosen.clear(); open(); }) : null;
    main.replaceChildren(element("div", { class: "bar" }, element("span", {}, index.suite), element("label", {}, "image", select), models), element("div", { class: "stage" }, top, words), element("h2", {}, "Channels, each on its own scale"), grid);

    async function open() {
      const name = views[state.view];
      select.value = state.view;
      const wanted = `${state.model} ${name}`;
      state.wanted = wanted;
      const [view, data] = await Promise.all([load(`matches/view-${name}`), load(`matches/descriptors-${state.model}-${name}`)]);
      const rgb = await array(view.rgb);
      const { values, shape } = await array(data.levels);
      if (state.wanted !== wanted) return;
      const [height, width, channels] = shape;
      const pixels = height * width;
      // A channel's threshold is the middle between its 5th and 95th percentile, as the segmentation scores have it.
      const planes = Array.from({ length: channels }, (_, c) => {
        const plane = new Int8Array(pixels);
        for (let k = 0; k < pixels; k += 1) plane[k] = values[k * channels + c];
        const sorted = Int8Array.from(plane).sort();
        const at = (share) => sorted[Math.round(share * (pixels - 1))];
        const middle = (at(0.05) + at(0.95)) / 2;
        let turns = 0;
        for (let k = 1; k < pixels; k += 1) if (plane[k] > middle !== plane[k - 1] > middle) turns += 1;
        return { plane, low: at(0.01), high: at(0.99), middle, turns };
      });
      if (!state.chosen.size) {
        const useful = planes.map((plane, c) => [plane, c]).filter(([plane]) => plane.high > plane.low);
        useful.sort(([one], [other]) => one.turns - other.turns).slice(0, 3).forEach(([, c]) => state.chosen.add(c));
      }
      const image = new PixBench.Picture("image", width, height);
      image.paintRgb(rgb.values);
      const segments = new PixBench.Picture("segments", width, height);
      top.replaceChildren(image.figure, segments.figure);
      const code = () => {
        const chosen = [...state.chosen].sort((one, other) => one - other);
        const seen = new Map();
        const colour = new Map();
        const codes = new Uint32Array(pixels);
        for (let k = 0; k < pixels; k += 1) {
          let value = 0;
          for (const c of chosen) value = value * 2 + (planes[c].plane[k] > planes[c].middle ? 1 : 0);
          codes[k] = value;
          seen.set(value, (seen.get(value) ?? 0) + 1);
        }
        [...seen].sort((one, other) => other[1] - one[1]).forEach(([value], k) => colour.set(value, PixBench.instanceColour(k + 1)));
        segments.paint((k) => colour.get(codes[k]));
        words.textContent = `code of ${chosen.length ? `channels ${chosen.join(", ")}` : "no channel"}: ${seen.size} segments; ${PixBench.norm(index.models[state.model].p)}, ${channels} channels`;
        words.dataset.segments = seen.size;
      };
      grid.replaceChildren(...planes.map(({ plane, low, high }, c) => {
        const small = new PixBench.Picture(`channel ${c}`, width, height);
        const half = Math.max(high - low, 1) / 2;
        small.paint((k) => PixBench.palette.signed[Math.max(0, Math.min(255, Math.round(127.5 + (127.5 * (plane[k] - (low + high) / 2)) / half)))]);
        const toggle = () => { if (!state.chosen.delete(c)) state.chosen.add(c); figure.setAttribute("aria-pressed", String(state.chosen.has(c))); code(); };
        const figure = element("figure", { tabindex: 0, role: "button", "aria-label": `channel ${c}`, "aria-pressed": String(state.chosen.has(c)), onclick: toggle, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); } } },
          small.canvas, element("figcaption", {}, String(c)));
        return figure;
      }));
      code();
    }

    this.onkey = (key) => {
      const by = { j: 1, k: -1 }[key];
      if (by) { state.view = Math.max(0, Math.min(views.length - 1, state.view + by)); open(); }
    };
    await open();
  },
};
