"use strict";
// The leaderboard: sorted by any column, with seeds as dots, and the meaning of every number where the mouse rests.
PixBench.views.table = {
  title: "Table",
  keys: [["click a column", "sort by it"], ["click a name", "read its record"]],

  async show(main, index) {
    const { element, load, number, norm } = PixBench;
    const suites = [...new Set(index.tables.map((table) => table.suite))];
    const filter = element("select", { "aria-label": "suite", onchange: () => fill() }, element("option", { value: "" }, "all suites"), ...suites.map((name) => element("option", { value: name }, name)));
    const box = element("div");
    const dialog = element("dialog", { "aria-label": "record" });
    main.replaceChildren(element("div", { class: "bar" }, element("label", {}, "suite", filter)), box, dialog);
    if (index.pareto.includes("<circle")) {
      const plot = element("div", { class: "pareto" });
      plot.innerHTML = index.pareto;
      main.append(element("h2", {}, "Matching and accuracy of one checkpoint"), plot);
    }

    // Seeds as dots over the interval of the mean, on the scale of the table.
    function dots(row, column, low, high) {
      const place = (value) => 4 + 112 * Math.min(1, (value - low) / Math.max(high - low, 1e-9));
      const marks = row.seeds[column].map((value) => element("circle", { cx: place(value), cy: 8, r: 3, fill: "#1b4f8a", "fill-opacity": 0.75 }));
      const line = row.bounds ? element("line", { x1: place(row.bounds[0]), x2: place(row.bounds[1]), y1: 8, y2: 8, stroke: "#c4622d", "stroke-width": 2 }) : null;
      return element("svg", { width: 120, height: 16, viewBox: "0 0 120 16", role: "img", "aria-label": row.seeds[column].map((value) => number(value)).join(", ") }, line, ...marks);
    }

    async function record(name) {
      const { file, record: found } = await load(`table/${name}`);
      dialog.replaceChildren(element("div", { class: "bar" }, element("b", {}, file), element("button", { type: "button", onclick: () => dialog.close() }, "Close")), element("pre", {}, JSON.stringify(found, null, 1)));
      dialog.showModal();
    }

    function draw(table) {
      const first = table.columns[0].id;
      const state = { by: first, up: !table.columns[0].higher };
      // A row that is right by construction would press all others together.
      const spread = table.rows.flatMap((row) => [...row.seeds[first], ...(row.bounds ?? [])]).filter((each) => each < 0.999);
      const [low, high] = [Math.min(0, ...spread), Math.max(0.001, ...spread)];
      const body = element("tbody");
      const fixed = [["rank", "rank: rows that cannot be told apart share one", (row) => row.rank], ["name", "", (row) => row.name], ["norm", "norm in which descriptors are compared", (row) => norm(row.p)], ["D", "channels", (row) => row.channels]];
      const heads = [...fixed.map(([id, words]) => [id, id === "name" ? "model" : id, words]), ...table.columns.flatMap((column, k) => {
        const words = `${column.definition} (version ${column.version}, ${column.sha256}); ${column.higher ? "higher" : "lower"} is better. ${table.protocol}`;
        return k ? [[column.id, column.words, words]] : [[column.id, column.words, words], ["dots", "seeds and 95 % interval", "each seed a dot; the bar is the bootstrap interval of the mean"], ["p_above", "p, row above", "sign-flip test against the row ranked above"]];
      })];
      const value = (row, id) => ({ rank: row.rank ?? 1e9, name: row.name, norm: String(row.p ?? ""), D: row.channels ?? -1, dots: row.means[first], p_above: row.p_above ?? 2 })[id] ?? row.means[id] ?? -Infinity;
      const head = element("tr", {}, ...heads.map(([id, words, title]) => element("th", { class: id === "name" ? "name" : null, title, scope: "col", tabindex: 0, "data-id": id, onclick: () => sort(id), onkeydown: (event) => { if (event.key === "Enter") sort(id); } }, words)));

      function sort(id) {
        const column = table.columns.find((each) => each.id === id);
        state.up = state.by === id ? !state.up : ["rank", "name", "norm", "p_above"].includes(id) || (column ? !column.higher : false);
        state.by = id;
        rows();
      }

      function rows() {
        const compare = (one, other) => { const [a, b] = [value(one, state.by), value(other, state.by)]; return typeof a === "string" ? a.localeCompare(b) : a - b; };
        const sorted = [...table.rows].sort((one, other) => compare(one, other) * (state.up ? 1 : -1) || (one.rank ?? 0) - (other.rank ?? 0));
        for (const cell of head.children) {
          if (cell.dataset.id === state.by) cell.setAttribute("aria-sort", state.up ? "ascending" : "descending");
          else cell.removeAttribute("aria-sort");
        }
        body.replaceChildren(...sorted.map((row) => element("tr", {}, ...heads.map(([id, , title]) => {
          if (id === "name") return element("td", { class: "name" }, ...row.records.flatMap((name, k) => [k ? " · " : null, element("button", { class: "link", type: "button", title: row.files[k], onclick: () => record(name) }, k ? `seed ${row.seed_numbers[k]}` : row.name)]));
          if (id === "rank") return element("td", {}, row.rank === null ? "–" : String(row.rank));
          if (id === "norm") return element("td", {}, norm(row.p));
          if (id === "D") return element("td", {}, row.channels === null ? "–" : String(row.channels));
          if (id === "dots") return element("td", { title: row.bounds ? `95 % interval ${number(row.bounds[0])} to ${number(row.bounds[1])}` : "no interval" }, dots(row, first, low, high));
          if (id === "p_above") return element("td", {}, row.p_above === null ? "–" : row.p_above < 0.001 ? "< 0.001" : number(row.p_above));
          const column = table.columns.find((each) => each.id === id);
          const bimodal = row.bimodal.includes(id);
          return element("td", { title: bimodal ? `bimodal seeds: ${row.seeds[id].map((each) => number(each)).join(", ")}` : title, "data-metric": id }, number(row.means[id], column.digits), bimodal ? " ⚠" : null);
        }))));
      }
      rows();
      return element("section", {}, element("h2", {}, table.title), element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), body)), element("p", { class: "quiet" }, table.caption));
    }

    function fill() {
      box.replaceChildren(...index.tables.filter((table) => !filter.value || table.suite === filter.value).map(draw));
    }
    fill();
  },
};
