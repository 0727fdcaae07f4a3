"use strict";
// ID and OOD accuracy of every run over the share of the between-image term; a run's dot shows its loss and feature maps.
PixBench.views.experiment1 = {
  title: "Experiment 1",
  keys: [["click a dot", "its loss curve and feature maps"]],

  async show(main, index) {
    const { element, load, number, norm } = PixBench;
    const colours = { id: "#3f8a4c", ood: "#7a4fa0" };
    const details = element("div", { id: "run" });
    const plots = element("div", { class: "plots" });
    main.replaceChildren(
      element("p", {}, `ColoredMNIST, preset ${index.preset}, objective ${index.objective}. Accuracy of the frozen head on digits whose colours tell the truth (`, element("span", { class: "dot", style: `background:${colours.id}` }), "ID) and lie (", element("span", { class: "dot", style: `background:${colours.ood}` }), "OOD), by norm and share c of the between-image term (the paper's λ is 1 - c)."),
      plots, details,
    );
    const norms = ["inf", "1", "2"].filter((p) => index.cells.some((cell) => String(cell.p) === p));

    // A kernel density of the values, mirrored, as wide as it is high.
    function violin(values, x, width, place) {
      if (values.length < 2) return null;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
      const reach = Math.max(1.06 * spread * values.length ** -0.2, 0.01);
      // Cut at the outermost runs, so that it shows no accuracy that none had.
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const levels = Array.from({ length: 61 }, (_, k) => low + (k / 60) * (high - low));
      const density = levels.map((level) => values.reduce((sum, value) => sum + Math.exp(-(((level - value) / reach) ** 2) / 2), 0));
      const top = Math.max(...density);
      const right = levels.map((level, k) => `${(x + (width * density[k]) / top).toFixed(1)},${place(level).toFixed(1)}`);
      const left = levels.map((level, k) => `${(x - (width * density[k]) / top).toFixed(1)},${place(level).toFixed(1)}`).reverse();
      return [...right, ...left].join(" ");
    }

    function plot(p) {
      const cells = index.cells.map((cell, k) => ({ ...cell, k })).filter((cell) => String(cell.p) === p);
      const weights = [...new Set(cells.map((cell) => cell.between_weight))].sort((one, other) => one - other);
      const [left, width, top, height] = [34, 300, 22, 190];
      const place = (accuracy) => top + height * (1 - accuracy);
      const column = width / weights.length;
      const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((level) => [element("line", { x1: left, x2: left + width, y1: place(level), y2: place(level), class: "grid" }), element("text", { x: left - 5, y: place(level) + 4, "text-anchor": "end" }, String(level))]);
      for (const [level, words] of [[0.85, "colour, ID"], [0.1, "colour, OOD"]]) {
        parts.push(element("line", { x1: left, x2: left + width, y1: place(level), y2: place(level), stroke: "#9a9a9a", "stroke-dasharray": "2 3" }), element("text", { x: left + width + 4, y: place(level) + 4 }, words));
      }
      weights.forEach((weight, w) => {
        const mine = cells.filter((cell) => cell.between_weight === weight);
        for (const [kind, shift] of [["id", -0.2], ["ood", 0.2]]) {
          const x = left + column * (w + 0.5 + shift);
          const outline = violin(mine.map((cell) => cell[kind]), x, column * 0.14, place);
          if (outline) parts.push(element("polyline", { points: outline, fill: colours[kind], "fill-opacity": 0.2 }));
          for (const cell of mine) {
            const words = `c = ${weight}, seed ${cell.seed}: ID ${number(cell.id)}, OOD ${number(cell.ood)}, ${cell.class}`;
            parts.push(element("circle", { class: "run", cx: x + 4 * (cell.seed % 3) - 4, cy: place(cell[kind]), r: 4.5, fill: colours[kind], tabindex: 0, role: "button", "aria-label": words, "data-cell": cell.k, onclick: () => show(cell.k, words), onkeydown: (event) => { if (event.key === "Enter") show(cell.k, words); } }, element("title", {}, words)));
          }
        }
        const classes = ["encode", "suppress", "ambiguous"].map((name) => [name, mine.filter((cell) => cell.class === name).length]).filter(([, count]) => count);
        parts.push(element("text", { x: left + column * (w + 0.5), y: top + height + 16, "text-anchor": "middle", class: "strong" }, `c = ${weight}`));
        classes.forEach(([name, count], k) => parts.push(element("text", { x: left + column * (w + 0.5), y: top + height + 31 + 13 * k, "text-anchor": "middle" }, `${count} ${name}`)));
      });
      return element("figure", {}, element("svg", { class: "plot", viewBox: "0 0 424 275", role: "img", "aria-label": `accuracies for ${norm(p)}` }, element("text", { x: left, y: 12, class: "strong" }, norm(p)), ...parts));
    }

    async function show(k, words) {
      for (const dot of plots.querySelectorAll("circle.run")) dot.setAttribute("aria-current", String(dot.dataset.cell === String(k)));
      const { losses, steps, channels } = await load(`experiment1/cell-${k}`);
      const positive = losses.filter((loss) => loss > 0);
      const [low, high] = [Math.log10(Math.min(...positive)), Math.log10(Math.max(...positive))];
      const points = losses.map((loss, at) => `${(46 + (410 * at) / Math.max(losses.length - 1, 1)).toFixed(1)},${(10 + 120 * (1 - (Math.log10(Math.max(loss, 10 ** low)) - low) / Math.max(high - low, 1e-9))).toFixed(1)}`);
      const curve = element("svg", { class: "plot", viewBox: "0 0 470 160", role: "img", "aria-label": "loss" },
        element("polyline", { points: points.join(" "), fill: "none", style: "stroke:var(--blue)", "stroke-width": 1.5 }),
        element("text", { x: 40, y: 16, "text-anchor": "end" }, (10 ** high).toPrecision(2)), element("text", { x: 40, y: 132, "text-anchor": "end" }, (10 ** low).toPrecision(2)),
        element("text", { x: 46, y: 150 }, "step 0"), element("text", { x: 456, y: 150, "text-anchor": "end" }, String(steps)), element("text", { x: 250, y: 150, "text-anchor": "middle" }, "loss, logarithmic"));
      const rows = channels.map((digit, d) => element("div", {}, element("p", { class: "quiet" }, `digit ${d + 1}: each channel, -1 (blue) to 1 (red)`), element("div", { class: "maps" }, ...digit.map((map, c) => {
        const small = new PixBench.Picture(`channel ${c}`, map[0].length, map.length);
        const flat = map.flat();
        small.paint((pixel) => PixBench.palette.signed[Math.max(0, Math.min(255, Math.round(127.5 + 1.275 * flat[pixel])))]);
        small.canvas.title = `channel ${c}`;
        return small.canvas;
      }))));
      details.replaceChildren(element("h2", {}, words), element("div", { class: "plots" }, element("figure", {}, curve)), ...rows);
      details.dataset.cell = k;
    }

    plots.replaceChildren(...norms.map(plot));
    await show(0, `c = ${index.cells[0].between_weight}, seed ${index.cells[0].seed}: ID ${number(index.cells[0].id)}, OOD ${number(index.cells[0].ood)}, ${index.cells[0].class}`);
  },
};
