"use strict";
// The two charts of the first tab: the first score by how hard pairs are, and accuracy in and out of distribution.
PixBench.headlines = (table, suite, narrow) => {
  const { element, number } = PixBench;
  // On a phone a chart is drawn smaller, so that its words stay readable, and its names stand below it.
  const whole = narrow ? 380 : 560;
  const inks = ["--blue", "--orange", "--green", "--violet", "--teal", "--yellow"].map((name) => `var(${name})`);
  const [left, right, top, bottom] = [36, narrow ? whole : 400, 12, 210];

  function figure(title, words, height, parts, legend = null) {
    return element("figure", {}, element("h2", {}, title), element("svg", { class: "plot", viewBox: `0 0 ${whole} ${height}`, role: "img", "aria-label": title }, ...parts), legend, element("p", { class: "quiet" }, words));
  }

  // The table whose matches are shown, or else one with levels of difficulty, or else any.
  function headline() {
    const split = (each) => each.rows.some((row) => row.by_angle.length);
    const levels = (each) => each.rows.some((row) => row.strata.level.length > 1);
    const found = (table?.tables ?? []).filter(split);
    return found.find((each) => each.suite === suite) ?? found.find(levels) ?? found[0];
  }

  // Labels at the ends of lines, moved apart where they would overlap, and up where they would leave the chart.
  function labels(ends) {
    const apart = 14;
    const sorted = [...ends].sort((one, other) => one.y - other.y);
    const places = [];
    for (const { y } of sorted) places.push(Math.max(y, (places.at(-1) ?? -Infinity) + apart));
    for (let k = places.length - 1, most = bottom; k >= 0; k -= 1, most -= apart) places[k] = Math.min(places[k], most);
    return sorted.map(({ words, ink }, k) => element("text", { x: right + 8, y: places[k] + 4, style: `fill:${ink}` }, words));
  }

  function byDifficulty() {
    const found = headline();
    if (!found) return null;
    const levels = found.rows.some((row) => row.strata.level.length > 1);
    const rows = found.rows.filter((row) => !row.reference && row.by_angle.length).slice(0, inks.length).map((row) => ({ ...row, split: levels ? row.strata.level : row.by_angle }));
    const bins = rows[0].split.map(([name]) => name);
    const most = Math.max(0.05, ...rows.flatMap((row) => row.split.map(([, value]) => value ?? 0)));
    const step = [0.05, 0.1, 0.2, 0.25].find((each) => most / each <= 5) ?? 0.25;
    const x = (k) => left + ((right - left) * (k + 0.5)) / bins.length;
    const y = (value) => bottom - ((bottom - top) * value) / (step * Math.ceil(most / step));
    const grid = Array.from({ length: Math.ceil(most / step) + 1 }, (_, k) => k * step).flatMap((value) => [
      element("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }), element("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value, 2))]);
    const axis = bins.map((name, k) => element("text", { x: x(k), y: bottom + 16, "text-anchor": "middle" }, name));
    const lines = rows.flatMap((row, r) => {
      const points = row.split.map(([, value], k) => (value === null ? null : [x(k), y(value)])).filter(Boolean);
      return [element("polyline", { points: points.join(" "), style: `fill:none;stroke:${inks[r]};stroke-width:2` }), ...points.map(([cx, cy]) => element("circle", { cx, cy, r: 3, style: `fill:${inks[r]}` }))];
    });
    const ends = rows.map((row, r) => ({ y: y(row.split.at(-1)?.[1] ?? 0), words: `${row.name} ${number(row.means[found.columns[0].id])}`, ink: inks[r] }));
    const legend = element("div", { class: "legend" }, ...ends.map(({ words, ink }) => element("span", {}, element("span", { class: "dot", style: `background:${ink}` }), words)));
    const by = levels ? "level of difficulty" : "angle between the two views";
    return figure("Matching by difficulty", `${found.columns[0].words} on ${found.suite} by the ${by}; beside each name the mean over all pairs.${rows.length > 1 ? ` The best ${rows.length} methods.` : ""}`, bottom + 40,
      [...grid, ...axis, element("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, levels ? "level of difficulty" : "angle between views, degrees"), ...lines, ...(narrow ? [] : labels(ends))], narrow ? legend : null);
  }

  function inAndOut() {
    const [found] = (table?.tables ?? []).filter((each) => each.columns.some((column) => column.id.startsWith("ood_accuracy"))).sort((one, other) => other.rows.length - one.rows.length);
    if (!found) return null;
    const [inside, outside] = ["id_accuracy", "ood_accuracy"].map((name) => found.columns.find((column) => column.id.startsWith(name))?.id);
    const rows = found.rows.filter((row) => !row.reference).slice(0, 10);
    const start = narrow ? 168 : 190;
    const x = (value) => start + (whole - start - 20) * value;
    const height = 24 * rows.length;
    const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [element("line", { class: "grid", x1: x(value), x2: x(value), y1: 6, y2: height + 8 }), element("text", { x: x(value), y: height + 24, "text-anchor": "middle" }, String(value))]);
    const marks = rows.flatMap((row, r) => {
      const y = 20 + 24 * r;
      const [a, b] = [row.means[inside], row.means[outside]];
      return [element("text", { x: start - 8, y: y + 4, "text-anchor": "end", class: "strong" }, row.name), element("line", { x1: x(a ?? 0), x2: x(b ?? 0), y1: y, y2: y, style: "stroke:var(--edge);stroke-width:2" }),
        ...[[a, "--blue", "ID"], [b, "--orange", "OOD"]].filter(([value]) => value !== null).map(([value, ink, words]) => element("circle", { cx: x(value), cy: y, r: 5, style: `fill:var(${ink})` }, element("title", {}, `${row.name}, ${words}: ${number(value)}`)))];
    });
    const key = [["--blue", "in distribution (ID)", narrow ? 20 : 190], ["--orange", "out of distribution (OOD)", narrow ? 180 : 330]].flatMap(([ink, words, at]) => [element("circle", { cx: at, cy: height + 42, r: 5, style: `fill:var(${ink})` }), element("text", { x: at + 10, y: height + 46 }, words)]);
    return figure("Accuracy in and out of distribution", `${found.suite}: frozen descriptors, classes read off by a linear head.`, height + 54, [...grid, ...marks, ...key]);
  }

  return [byDifficulty(), inAndOut()].filter(Boolean);
};
