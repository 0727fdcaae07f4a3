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
    if (index.pareto) {
      const plot = element("div", { class: "pareto" });
      plot.innerHTML = index.pareto;
      main.append(element("h2", {}, "Matching and accuracy of one checkpoint"), plot);
    }

    // Seeds as dots over the interval of the mean, on the scale of the table.
    function dots(row, column, low, high) {
      const place = (value) => 4 + 112 * Math.min(1, (value - low) / Math.max(high - low, 1e-9));
      // What lies beyond the scale points there.
      const marks = row.seeds[column].map((value) => (value > high ? element("path", { d: "M111 4L118 8L111 12Z", class: "beyond" }) : element("circle", { cx: place(value), cy: 8, r: 3 })));
      const line = row.bounds && row.bounds[0] <= high ? element("line", { x1: place(row.bounds[0]), x2: place(row.bounds[1]), y1: 8, y2: 8, class: "interval" }) : null;
      const grid = [4, 60, 116].map((x) => element("line", { x1: x, x2: x, y1: 0, y2: 16 }));
      return element("svg", { width: 120, height: 16, viewBox: "0 0 120 16", role: "img", "aria-label": row.seeds[column].map((value) => number(value)).join(", ") }, ...grid, line, ...marks);
    }

    // The scale of the dots below it.
    function axis(low, high) {
      const ticks = [[4, low, "start"], [60, (low + high) / 2, "middle"], [116, high, "end"]];
      return element("svg", { width: 120, height: 18, viewBox: "0 0 120 18", "aria-hidden": "true" }, ...ticks.flatMap(([x, value, anchor]) => [element("line", { x1: x, x2: x, y1: 13, y2: 18 }), element("text", { x, y: 10, "text-anchor": anchor }, number(value, 2))]));
    }

    // The matches of a row, where the page shows them.
    function matches(row, table) {
      const shown = PixBench.parts.matches;
      const at = shown?.suite === table.suite ? shown.models.findIndex((model) => row.files.includes(model.file)) : -1;
      return at < 0 ? null : element("button", { class: "link", type: "button", onclick: () => PixBench.go("matches", { model: at }) }, "matches");
    }

    // The row's name opens its record; below it, of how many seeds the numbers are means, and the way to the matches.
    function name(row, table) {
      const link = (k, words) => element("button", { class: "link", type: "button", title: row.files[k], onclick: () => record(row.records[k]) }, words);
      const seeds = row.records.length > 1 ? [`mean of ${row.records.length} seeds: `, ...row.records.flatMap((_, k) => [k ? ", " : null, link(k, String(row.seed_numbers[k]))])] : [];
      const way = matches(row, table);
      const below = [...(row.reference ? ["reference, not ranked"] : seeds), way && seeds.length ? " · " : null, way];
      return element("td", { class: "name" }, link(0, row.name), below.some(Boolean) ? element("small", {}, ...below) : null);
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
      const fixed = [["rank", "methods that cannot be told apart share a rank; the oracle and chance have none"], ["name", ""]];
      const about = [["norm", "norm in which descriptors are compared"], ["D", "channels"]];
      const heads = [...fixed.map(([id, words]) => [id, id === "name" ? "model" : id, words]), ...table.columns.flatMap((column, k) => {
        const words = `${column.definition} (version ${column.version}, ${column.sha256}); ${column.higher ? "higher" : "lower"} is better. ${table.protocol}`;
        return k ? [[column.id, column.words, words]] : [[column.id, column.words, words], ["dots", "seeds, interval", "each seed a dot; the bar is the 95 % bootstrap interval of the mean"], ["p_above", "p, method above", "sign-flip test against the method ranked above"], ...about.map(([id, hint]) => [id, id, hint])];
      })];
      const value = (row, id) => ({ rank: row.rank ?? 1e9, name: row.name, norm: String(row.p ?? ""), D: row.channels ?? -1, dots: row.means[first], p_above: row.p_above ?? 2 })[id] ?? row.means[id] ?? -Infinity;
      const head = element("tr", {}, ...heads.map(([id, words, title]) => element("th", { class: id === "name" ? "name" : null, title, scope: "col", tabindex: 0, "data-id": id, onclick: () => sort(id), onkeydown: (event) => { if (event.key === "Enter") sort(id); } }, words, id === "dots" ? element("div", {}, axis(low, high)) : null)));

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
        body.replaceChildren(...sorted.map((row) => element("tr", { class: row.reference ? "reference" : null }, ...heads.map(([id, , title]) => {
          if (id === "name") return name(row, table);
          if (id === "rank") return element("td", { class: "rank" }, row.rank === null ? "–" : String(row.rank));
          if (id === "norm") return element("td", {}, norm(row.p));
          if (id === "D") return element("td", {}, row.channels === null ? "–" : String(row.channels));
          if (id === "dots") return element("td", { title: row.bounds ? `95 % interval ${number(row.bounds[0])} to ${number(row.bounds[1])}` : "no interval" }, dots(row, first, low, high));
          if (id === "p_above") return element("td", {}, row.p_above === null ? "–" : row.p_above < 0.001 ? "< 0.001" : number(row.p_above));
          const column = table.columns.find((each) => each.id === id);
          const bimodal = row.bimodal.includes(id);
          return element("td", { title: bimodal ? `bimodal seeds: ${row.seeds[id].map((each) => number(each)).join(", ")}` : title, "data-metric": id }, number(row.means[id], column.digits), row.ranks[id] == null ? null : ` (${row.ranks[id]})`, bimodal ? " ⚠" : null);
        }))));
      }
      rows();
      return element("section", {}, element("h2", {}, table.title), element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), body)), element("p", { class: "quiet" }, table.caption), strata(table));
    }

    // The first score by ranges of what makes queries hard, where records have them.
    function strata(table) {
      const kinds = Object.keys(table.rows[0].strata).map((kind) => [kind, (table.rows.find((row) => row.strata[kind].length)?.strata[kind] ?? []).map(([range]) => range)]).filter(([, ranges]) => ranges.length);
      if (!kinds.length) return null;
      const cells = (row) => kinds.flatMap(([kind, ranges]) => ranges.map((range) => element("td", {}, number(row.strata[kind].find(([name]) => name === range)?.[1] ?? null))));
      const groups = element("tr", {}, element("td"), ...kinds.map(([kind, ranges]) => element("th", { scope: "colgroup", colspan: ranges.length }, kind)));
      const heads = element("tr", {}, element("th", { class: "name", scope: "col" }, "model"), ...kinds.flatMap(([, ranges]) => ranges.map((range) => element("th", { scope: "col" }, range))));
      const rows = table.rows.map((row) => element("tr", { class: row.reference ? "reference" : null }, element("td", { class: "name" }, row.name), ...cells(row)));
      return element("details", {}, element("summary", {}, `${table.columns[0].words} by ${kinds.map(([kind]) => kind).join(", ")}`), element("div", { class: "wide" }, element("table", {}, element("thead", {}, groups, heads), element("tbody", {}, ...rows))));
    }

    function fill() {
      box.replaceChildren(...index.tables.filter((table) => !filter.value || table.suite === filter.value).map(draw));
    }
    fill();
  },
};
