"use strict";
// Tabs and keys.
(async () => {
  const { element, load, views } = PixBench;
  const main = document.getElementById("main");
  const tabs = document.getElementById("tabs");
  const keys = document.getElementById("keys");
  const help = document.getElementById("help");
  let active = null;

  // Two tabs show the same data: matches and channels.
  const parts = { overview: "overview", scenes: "scenes", matches: "matches", channels: "matches", table: "table", experiment1: "experiment1" };

  function fail(error) {
    main.replaceChildren(element("p", { class: "error" }, String(error.message ?? error)));
  }

  window.addEventListener("unhandledrejection", (event) => fail(event.reason));

  try {
    const index = await load("index");
    // The first tab leads to the others.
    PixBench.parts = index.parts;
    if (Object.keys(index.parts).some((name) => name !== "experiment1")) index.parts = { overview: index.parts, ...index.parts };
    document.title = `${index.title} – PixBench`;
    document.getElementById("title").textContent = index.title;
    const shown = Object.keys(parts).filter((name) => index.parts[parts[name]] && (name !== "channels" || index.parts.matches.models.some((model) => model.described)));

    async function open(name, options = {}) {
      active = views[name];
      for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.name === name));
      history.replaceState(null, "", `#${name}`);
      keys.replaceChildren(...[...active.keys, [`1 … ${shown.length}`, "choose a tab"], ["?", "show or hide this"]].map(([key, words]) => element("p", {}, element("kbd", {}, key), ` ${words}`)));
      main.replaceChildren(element("p", { class: "quiet" }, "Reading …"));
      window.scrollTo(0, 0);
      try {
        await active.show(main, index.parts[parts[name]], options);
        main.dataset.ready = name;
      } catch (error) {
        fail(error);
      }
    }

    PixBench.go = open;
    tabs.replaceChildren(...shown.map((name) => element("button", { type: "button", role: "tab", "data-name": name, onclick: () => open(name) }, views[name].title)));
    const toggle = () => { keys.hidden = !keys.hidden; help.setAttribute("aria-expanded", String(!keys.hidden)); };
    help.addEventListener("click", toggle);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
      if (event.key === "?") toggle();
      else if (shown[Number(event.key) - 1]) open(shown[Number(event.key) - 1]);
      else active?.onkey?.(event.key);
    });
    const asked = location.hash.slice(1);
    if (shown.length) await open(shown.includes(asked) ? asked : shown[0]);
    else fail("there is nothing to show");
  } catch (error) {
    fail(error);
  }
})();
