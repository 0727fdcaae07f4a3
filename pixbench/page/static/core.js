"use strict";
// Data come as scripts that call PixBench.put, so that a page works from a server and from disk alike.
const PixBench = (() => {
  const waiting = new Map();
  const kept = new Map();
  const KEPT = 200;
  const TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, float32: Float32Array };

  function put(key, value) {
    waiting.get(key)?.resolve(value);
    waiting.delete(key);
  }

  function load(key) {
    if (!kept.has(key)) {
      const promise = new Promise((resolve, reject) => {
        waiting.set(key, { resolve, reject });
        const script = document.createElement("script");
        script.src = `data/${key}.js`;
        script.onerror = () => { kept.delete(key); waiting.delete(key); reject(new Error(`data/${key}.js could not be read`)); };
        script.onload = () => script.remove();
        document.head.append(script);
      });
      kept.set(key, promise);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
  }

  async function array(packed) {
    if (!packed.made) {
      const bytes = Uint8Array.from(atob(packed.data), (char) => char.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      packed.made = { values: new TYPES[packed.dtype](await new Response(stream).arrayBuffer()), shape: packed.shape };
      delete packed.data;
    }
    return packed.made;
  }

  function element(tag, attributes = {}, ...children) {
    const svg = ["svg", "g", "path", "line", "circle", "rect", "text", "polyline", "title"].includes(tag);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  // A row of buttons of which one is pressed.
  function choice(names, chosen, act, words = (name) => name) {
    const box = element("span", { class: "choice", role: "group" });
    const press = (name) => {
      for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.name === String(name)));
      act(name);
    };
    for (const name of names) {
      box.append(element("button", { type: "button", "data-name": name, "aria-pressed": String(name === chosen), onclick: () => press(name) }, words(name)));
    }
    box.next = () => {
      const at = [...box.children].findIndex((button) => button.getAttribute("aria-pressed") === "true");
      press(names[(at + 1) % names.length]);
    };
    return box;
  }

  const number = (value, digits = 3) => (value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits));
  const norm = (p) => (p === "inf" ? "ℓ∞" : p === "cosine" ? "cosine" : p === null || p === undefined ? "–" : `ℓ${p}`);

  return { put, load, array, element, choice, number, norm, views: {} };
})();
