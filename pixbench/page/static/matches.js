"use strict";
// For up to four models: where each says that a source pixel lies, where it truly lies, and the distance to every target pixel.
PixBench.views.matches = {
  title: "Matches",
  keys: [["j / k", "next, previous pair"], ["n", "next norm"], ["arrows", "move the probed pixel (shift: by 8)"]],

  async show(main, index, { model: asked = 0 } = {}) {
    const { element, choice, load, array, number, norm } = PixBench;
    const colours = ["#c4622d", "#7a4fa0", "#0d8a8a", "#8a2f5f"];
    // A pair in the middle of the list comes first: the worst and the best one are not what a model mostly does.
    const state = { pair: 0, norm: "own", sort: asked, worst: true };
    let order = index.pairs;
    let current = null;
    const list = element("div", { class: "list", role: "listbox", "aria-label": "pairs" });
    const readout = element("div", { class: "readout", id: "match-readout" });
    const pictures = element("div", { class: "pictures" });
    const histograms = element("div", { class: "plots" });
    const norms = choice(["own", "1", "2", "inf"], "own", (name) => { state.norm = name; probe(...current.source.probe); }, (name) => (name === "own" ? "own norm" : norm(name)));
    const scored = index.models.map((model, k) => [model, k]).filter(([model]) => model.answers);
    const sorter = scored.length ? element("select", { "aria-label": "sort by", onchange: (event) => { [state.sort, state.worst] = JSON.parse(event.target.value); sort(); open(0); } },
      ...scored.flatMap(([model, k]) => [element("option", { value: JSON.stringify([k, true]) }, `worst of ${model.name} first`), element("option", { value: JSON.stringify([k, false]) }, `best of ${model.name} first`)])) : null;
    main.replaceChildren(
      element("div", { class: "bar" }, element("span", {}, index.suite), index.models.some((model) => model.described) ? element("label", {}, "distance in", norms) : null, sorter),
      element("div", { class: "split" }, list, element("div", { class: "stage" }, pictures, element("div", {}, readout, element("h2", {}, "Errors"), histograms))),
    );
    if (sorter) sorter.value = JSON.stringify([state.sort, true]);

    function sort() {
      const value = (pair) => pair.scores[state.sort]?.delta_avg ?? (state.worst ? 2 : -1);
      order = [...index.pairs].sort((one, other) => (value(one) - value(other)) * (state.worst ? 1 : -1));
      fill();
    }

    function fill() {
      list.replaceChildren(...order.map((pair, k) => element("button", { type: "button", role: "option", "aria-current": String(k === state.pair), onclick: () => open(k) },
        element("span", {}, `scene ${pair.scene}: ${pair.a} → ${pair.b}`), element("span", {}, number(pair.scores[state.sort]?.delta_avg)))));
    }

    async function open(k) {
      state.pair = Math.max(0, Math.min(order.length - 1, k));
      const pair = order[state.pair];
      for (const [row, button] of [...list.children].entries()) button.setAttribute("aria-current", String(row === state.pair));
      list.children[state.pair]?.scrollIntoView({ block: "nearest" });
      const name = `${pair.scene}-${pair.a}-${pair.b}`;
      const [truth, a, b] = await Promise.all([load(`matches/pair-${name}`), load(`matches/view-${pair.scene}-${pair.a}`), load(`matches/view-${pair.scene}-${pair.b}`)]);
      const made = { pair, uv: (await array(truth.uv)).values, status: (await array(truth.status)).values, a: await array(a.rgb), b: await array(b.rgb), models: [] };
      for (const [m, model] of index.models.entries()) {
        const each = { ...model, colour: colours[m], stored: null, levels: null };
        if (model.answers) {
          const answers = await load(`matches/answers-${m}-${name}`);
          const pixel = (await array(answers.pixel)).values;
          const uv = (await array(answers.uv)).values;
          each.reason = answers.reason;
          each.stored = new Map();
          for (let q = 0; q < pixel.length / 2; q += 1) each.stored.set(pixel[2 * q + 1] * made.a.shape[1] + pixel[2 * q], [uv[2 * q], uv[2 * q + 1]]);
        }
        if (model.described) {
          const [one, other] = await Promise.all([load(`matches/descriptors-${m}-${pair.scene}-${pair.a}`), load(`matches/descriptors-${m}-${pair.scene}-${pair.b}`)]);
          each.levels = [await array(one.levels), await array(other.levels)];
          each.step = one.step;
        }
        made.models.push(each);
      }
      if (order[state.pair] !== pair) return;
      current = made;
      draw(truth);
    }

    function draw(truth) {
      const [height, width] = current.a.shape;
      const [rows, columns] = current.b.shape;
      current.source = new PixBench.Picture(`view ${current.pair.a}, source`, width, height, { onprobe: probe });
      current.target = new PixBench.Picture(`view ${current.pair.b}, target`, columns, rows);
      current.source.paintRgb(current.a.values);
      current.target.paintRgb(current.b.values);
      current.target.said.textContent = `${truth.angle_deg === null ? "" : `${truth.angle_deg.toFixed(0)}° apart, `}${(100 * truth.share).toFixed(0)} % shared`;
      current.maps = current.models.map((model) => (model.levels ? new PixBench.Picture(model.name, columns, rows, { title: "distance of the descriptors to every target pixel" }) : null));
      pictures.replaceChildren(current.source.figure, current.target.figure, ...current.maps.filter(Boolean).map((map) => map.figure));
      histograms.replaceChildren(...current.models.map(histogram));
      const visible = current.models[0]?.stored ? [...current.models[0].stored.keys()].filter((pixel) => current.status[pixel] === 1) : [];
      const start = visible.length ? visible[Math.floor(visible.length / 2)] : Math.floor(height / 2) * width + Math.floor(width / 2);
      current.source.probe = [start % width, Math.floor(start / width)];
      probe(...current.source.probe);
    }

    // With stored answers alone only their pixels can be asked about: the nearest one is.
    function snapped(x, y) {
      const width = current.a.shape[1];
      const stored = current.models.find((model) => model.stored)?.stored;
      if (!stored || current.models.some((model) => model.levels)) return y * width + x;
      let best = null;
      let least = Infinity;
      for (const pixel of stored.keys()) {
        const apart = (pixel % width - x) ** 2 + (Math.floor(pixel / width) - y) ** 2;
        if (apart < least) [best, least] = [pixel, apart];
      }
      return best ?? y * width + x;
    }

    function probe(x0, y0) {
      const started = performance.now();
      const width = current.a.shape[1];
      const columns = current.b.shape[1];
      const pixel = snapped(x0, y0);
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      const status = current.status[pixel];
      const truth = status === 1 || status === 2 ? [current.uv[2 * pixel], current.uv[2 * pixel + 1]] : null;
      const marks = truth ? [{ x: truth[0], y: truth[1], colour: status === 1 ? "#3f8a4c" : "#c23b3b", cross: status === 2 }] : [];
      const said = [];
      const answers = current.models.map((model, m) => {
        let found = null;
        let from = "";
        const own = String(model.p);
        const p = state.norm === "own" ? own : state.norm;
        if (model.levels) {
          const channels = model.levels[0].shape[2];
          const distances = PixBench.distances(model.levels[0].values, pixel, model.levels[1].values, channels, p === "cosine" ? "2" : p);
          const best = PixBench.nearest(distances);
          found = [(best % columns) + 0.5, Math.floor(best / columns) + 0.5];
          from = "live";
          paintMap(current.maps[m], distances, truth, found, model, p);
        }
        if (model.stored?.has(pixel) && p === own) {
          found = model.stored.get(pixel);
          from = "stored";
        }
        if (found && found[0] > -1e5) {
          marks.push({ x: found[0], y: found[1], colour: model.colour });
          const error = truth && status === 1 ? Math.hypot(found[0] - truth[0], found[1] - truth[1]) : null;
          said.push(row(model, `(${number(found[0], 2)}, ${number(found[1], 2)})`, error === null ? "–" : `${number(error, 2)} px`, from));
        } else said.push(row(model, model.reason || "no answer here", "–", "–"));
        return found && { u: found[0], v: found[1], from };
      });
      current.source.mark([{ x: x + 0.5, y: y + 0.5, colour: "#2f7fd6" }]);
      current.target.mark(marks);
      const names = ["no surface", "visible", "occluded", "out of frame", "behind camera", "ambiguous"];
      readout.replaceChildren(
        element("span", {}, `pixel (${x}, ${y}) of view ${current.pair.a}: `, element("span", { class: `dot s${status}` }), names[status]),
        element("table", { class: "answers" }, element("tr", {}, ...["", `in view ${current.pair.b}`, "off by", "from"].map((words) => element("th", { scope: "col" }, words))),
          element("tr", {}, ...[element("span", {}, element("span", { class: `dot s${status}` }), "truth"), truth ? `(${number(truth[0], 2)}, ${number(truth[1], 2)})` : "–", "", ""].map((cell) => element("td", {}, cell))), ...said),
      );
      readout.dataset.probe = JSON.stringify({ pair: current.pair, x, y, status, truth, answers, ms: performance.now() - started });
    }

    // One row a model, always: the table keeps its height while the mouse moves.
    function row(model, place, error, how) {
      return element("tr", {}, element("td", { title: model.name }, element("span", { class: "dot", style: `background:${model.colour}` }), model.name), ...[place, error, how].map((words) => element("td", { title: words }, words)));
    }

    function paintMap(map, distances, truth, found, model, p) {
      let low = Infinity;
      let high = 0;
      for (const value of distances) { if (value < low) low = value; if (value > high) high = value; }
      map.paintScale(distances, low, high, PixBench.palette.near);
      map.mark([...(truth ? [{ x: truth[0], y: truth[1], colour: "#3f8a4c" }] : []), { x: found[0], y: found[1], colour: model.colour }]);
      map.said.replaceChildren(PixBench.scale(PixBench.palette.near, (low * model.step).toPrecision(2), `${(high * model.step).toPrecision(2)} in ${norm(p)}`));
    }

    // How many visible queries of this pair are off by how much; bounds double.
    function histogram(model) {
      const bounds = [1, 2, 4, 8, 16, 32, 64, Infinity];
      const counts = bounds.map(() => 0);
      let total = 0;
      for (const [pixel, found] of model.stored ?? []) {
        if (current.status[pixel] !== 1) continue;
        const error = found[0] > -1e5 ? Math.hypot(found[0] - current.uv[2 * pixel], found[1] - current.uv[2 * pixel + 1]) : Infinity;
        counts[bounds.findIndex((bound) => error <= bound)] += 1;
        total += 1;
      }
      const words = ["≤ 1", "2", "4", "8", "16", "32", "64", "more"];
      const bars = counts.map((count, k) => {
        const height = total ? (90 * count) / Math.max(...counts) : 0;
        return element("g", {}, element("rect", { x: 10 + 36 * k, y: 112 - height, width: 30, height, fill: model.colour }), element("text", { x: 25 + 36 * k, y: 127, "text-anchor": "middle" }, words[k]), count ? element("text", { x: 25 + 36 * k, y: 107 - height, "text-anchor": "middle", class: "strong" }, String(count)) : null);
      });
      // The table's numbers, so that one thing has one value on the page.
      const all = Object.values(model.scores).map(({ words: name, value, digits }) => `${name} ${number(value, digits)}`).join(", ");
      return element("figure", {}, element("svg", { class: "plot", viewBox: "0 0 310 132", role: "img", "aria-label": `errors of ${model.name}` }, ...bars),
        element("figcaption", {}, element("b", {}, model.name), element("span", {}, total ? `${total} visible queries, error in px` : "no stored answers")), all ? element("p", { class: "quiet" }, `All pairs${model.seed === null ? "" : `, seed ${model.seed}`}: ${all}`) : null);
    }

    this.onkey = (key) => {
      if (key === "j") open(state.pair + 1);
      if (key === "k") open(state.pair - 1);
      if (key === "n") norms.next();
    };
    sort();
    await open(Math.floor(order.length / 2));
  },
};
