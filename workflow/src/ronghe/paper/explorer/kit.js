// What every view uses: data, words, state in the address, elements, downloads.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const state = { lang: data.language };
const place = () => Math.max(0, data.languages.indexOf(state.lang));
const t = (key, ...values) => (data.words[key] ?? [key, key])[place()].replace(/\{(\d)\}/g, (_, k) => values[k] ?? "");
const called = (key) => (data.names[key] ?? [key, key])[place()];
const text = (both) => both[place()] ?? both[0];
const inside = data.regions.filter((region) => region.inside);
const regionName = (region) => text(region.name);

// Numbers as print shows them, with a minus sign.
const minus = (shown) => shown.replace(/^-/, "\u2212");
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  const size = Math.abs(value);
  if (size >= 1000)
    return minus(
      d3
        .format(",.0f")(value)
        .replace(/^\u2212/, "-"),
    );
  if (size > 0 && size < 0.01) return minus(size < 1e-4 ? value.toExponential(1) : value.toPrecision(2));
  return minus(value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : digits));
}
const count = (value) => d3.format(",")(value);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const range = (low, high) => (low === null || high === null ? "\u2013" : `[${number(low)}, ${number(high)}]`);

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (/^(aria|data)-/.test(key)) {
      if (value !== null && value !== undefined) node.setAttribute(key, String(value));
    } else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const say = (message) => {
  document.getElementById("said").textContent = message;
};

// A spreadsheet would run a cell that begins so; an apostrophe makes it text.
const FORMULA = /^(?:[=@\t\r]|[+-](?![\d.,]+(?:e[+-]?\d+)?[*%]*$))./s;
const asNumber = (value) => (typeof value === "number" ? String(Number(value.toPrecision(8))) : (value ?? ""));
function cell(value) {
  const raw = String(asNumber(value));
  const safe = typeof value === "string" && FORMULA.test(raw) ? `'${raw}` : raw;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
const csvText = (header, rows) => "\ufeff" + [header, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
function save(name, kind, content) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type: kind })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  say(t("saved", name));
}

// A drawing that stands alone: the colours and fonts that the page's style gives are written into it.
const STYLED = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "opacity",
  "fill-opacity",
  "stroke-opacity",
  "font-size",
  "font-weight",
  "font-family",
  "text-anchor",
];
const SPACE = "http://www.w3.org/2000/svg";
const shape = (tag, attributes) => {
  const node = document.createElementNS(SPACE, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
function styled(drawn) {
  const copy = drawn.cloneNode(true),
    from = [drawn, ...drawn.querySelectorAll("*")],
    to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, k) => {
    const style = getComputedStyle(node),
      above = node === drawn ? null : getComputedStyle(node.parentElement);
    // What an element has from the one around it is written there.
    for (const property of STYLED) {
      const value = style.getPropertyValue(property),
        same = property === "opacity" ? value === "1" : above && value === above.getPropertyValue(property);
      if (same) to[k].removeAttribute(property);
      else to[k].setAttribute(property, value);
    }
    for (const attribute of ["tabindex", "role", "class", "style", "data-key", "aria-pressed"])
      to[k].removeAttribute(attribute);
  });
  copy.querySelectorAll("style").forEach((node) => node.remove());
  return copy;
}
// A card may hold several drawings, one under the other: they are saved as one, on the ground of the card.
function svgText(body) {
  const found = [...body.querySelectorAll("svg")].filter((svg) => !svg.parentElement.closest("svg"));
  if (!found.length) return null;
  const boxes = found.map((svg) => svg.getBoundingClientRect()),
    [left, top] = [Math.min(...boxes.map((b) => b.left)), Math.min(...boxes.map((b) => b.top))],
    [width, height] = [Math.max(...boxes.map((b) => b.right)) - left, Math.max(...boxes.map((b) => b.bottom)) - top];
  const whole = shape("svg", { xmlns: SPACE, viewBox: `0 0 ${width} ${height}`, width, height });
  whole.append(shape("rect", { width, height, fill: variable("--card") }));
  found.forEach((svg, k) => {
    const copy = styled(svg);
    const at = { x: boxes[k].left - left, y: boxes[k].top - top, width: boxes[k].width, height: boxes[k].height };
    for (const [key, value] of Object.entries(at)) copy.setAttribute(key, value);
    whole.append(copy);
  });
  return new XMLSerializer().serializeToString(whole);
}

// State lives in the address: what differs from the view's own start is written there.
const views = [];
const viewOf = (key) => views.find((view) => view.key === key) ?? views[0];
const starting = () => ({ lang: data.language, theme: "auto", view: views[0].key, ...viewOf(state.view).start() });
function writeAddress() {
  const start = starting(),
    kept = Object.keys(start).filter((key) => state[key] !== undefined && String(state[key]) !== String(start[key]));
  const written = kept.map((key) => `${key}=${encodeURIComponent(state[key])}`).join("&");
  history.replaceState(null, "", written ? `#${written}` : location.pathname + location.search);
}
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(state)) delete state[key];
  state.lang = data.languages.includes(given.get("lang")) ? given.get("lang") : data.language;
  state.theme = ["light", "dark"].includes(given.get("theme")) ? given.get("theme") : "auto";
  state.view = viewOf(given.get("view")).key;
  const start = viewOf(state.view).start();
  for (const [key, value] of Object.entries(start)) state[key] = given.has(key) ? typed(given.get(key), value) : value;
  viewOf(state.view).mend();
}
const typed = (written, like) =>
  typeof like === "number" ? (Number.isFinite(Number(written)) ? Number(written) : like) : written;
function set(changes) {
  Object.assign(state, changes);
  viewOf(state.view).mend();
  writeAddress();
  refresh();
}

// Controls: each keeps its own element and follows the state.
const field = (label, control, extra = "") => h("label", { class: extra || null }, h("span", {}, label), control);
function choose(key, label, options, extra = "") {
  const select = h("select", { "data-key": key, onchange: (event) => set({ [key]: event.target.value }) });
  const node = field(label, select, extra);
  node.sync = () => {
    select.replaceChildren(...options().map(([value, shown]) => h("option", { value, title: shown }, shown)));
    select.value = String(state[key]);
  };
  return node;
}
function slide(key, label, low, high, step, shown, extra = "wide") {
  const input = h("input", {
    type: "range",
    "data-key": key,
    min: low,
    max: high,
    step,
    oninput: (event) => set({ [key]: Number(event.target.value) }),
  });
  const said = h("span", {});
  const node = h("label", { class: extra }, h("span", {}, label, " ", said), input);
  node.sync = () => {
    input.value = String(state[key]);
    said.textContent = shown(state[key]);
    input.setAttribute("aria-valuetext", shown(state[key]));
  };
  return node;
}
async function copy(button, content) {
  try {
    await navigator.clipboard.writeText(content);
  } catch {
    const box = h("textarea", { class: "unseen" });
    box.value = content;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
    button.focus();
  }
  button.textContent = t("copied");
  say(t("copied"));
}
function entryBox(written) {
  const button = h("button", { type: "button", "data-key": "copy", onclick: () => copy(button, written) }, t("copy"));
  return h("div", {}, h("pre", { tabindex: "0", "aria-label": t("entry") }, written), button);
}
const facts = (pairs) =>
  h(
    "dl",
    {},
    pairs
      .filter(([, value]) => value !== null && value !== "")
      .flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]),
  );
const wordy = (value) => typeof value === "string" && /[A-Za-z\u4e00-\u9fff]/.test(value) && !value.startsWith("[");
function grid(header, rows) {
  const words = header.map((_, k) => k === 0 || 2 * rows.filter((row) => wordy(row[k])).length > rows.length);
  const cellOf = (tag, value, k, more = {}) => h(tag, { class: words[k] ? "word" : null, ...more }, value);
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        header.map((name, k) => cellOf("th", name, k, { scope: "col" })),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          row.map((value, k) => cellOf("td", value, k)),
        ),
      ),
    ),
  );
}
