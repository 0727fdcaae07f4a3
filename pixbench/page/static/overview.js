"use strict";
// The first tab: what there is, the main result, and the ways to all of it.
PixBench.views.overview = {
  title: "Overview",
  keys: [["click a picture", "its scene"]],

  async show(main, parts) {
    const { element } = PixBench;
    const charts = PixBench.headlines(parts.table, parts.matches?.suite, window.innerWidth < 544);
    main.replaceChildren(element("div", { class: "landing" }, cards(), sheet(), element("div", { class: "plots" }, ...charts)));

    function card(tab, many, words) {
      return element("button", { type: "button", onclick: () => PixBench.go(tab) }, element("b", {}, many), element("span", {}, words));
    }

    function cards() {
      const { scenes, matches, table } = parts;
      const rows = table?.tables.flatMap((each) => each.rows.filter((row) => !row.reference).map((row) => row.name)) ?? [];
      return element("div", { class: "cards" },
        scenes && card("scenes", `${scenes.shown < scenes.scenes ? `${scenes.shown} of ` : ""}${scenes.scenes} scenes`, "Each pixel of a view with its true place in every other view."),
        matches && card("matches", `${matches.pairs.length} pairs of views`, `Where ${matches.models.map((model) => model.name).join(", ")} ${matches.models.length > 1 ? "say" : "says"} that a pixel lies, and where it truly lies.`),
        table && card("table", `${new Set(rows).size} methods`, `Ranks and intervals on ${table.tables.length} ${table.tables.length > 1 ? "test sets" : "test set"}, every number with its definition.`));
    }

    // Thumbnails of scenes, or else source views of the pairs.
    function sheet() {
      const { scenes, matches } = parts;
      const box = element("div", { class: "sheet" });
      const add = (name, label, go) => {
        const canvas = element("canvas", { width: 128, height: 128 });
        box.append(element("button", { type: "button", title: label, "aria-label": label, onclick: go }, canvas));
        PixBench.load(name).then((data) => PixBench.array(data.rgb)).then(({ values, shape }) => {
          const whole = new PixBench.Picture("", shape[1], shape[0]);
          whole.paintRgb(values);
          canvas.getContext("2d").drawImage(whole.canvas, 0, 0, 128, 128);
        }).catch(() => {});
      };
      if (scenes) for (let k = 0; k < Math.min(12, scenes.shown); k += 1) add(`scenes/thumb-${k}`, `scene ${k}`, () => PixBench.go("scenes", { scene: k }));
      else for (const name of [...new Set(matches?.pairs.map((pair) => `${pair.scene}-${pair.a}`))].slice(0, 12)) add(`matches/view-${name}`, `view ${name}`, () => PixBench.go("matches"));
      return box;
    }
  },
};
