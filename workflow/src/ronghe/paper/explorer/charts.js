// What several charts share: colours, the tile map, marks that answer to mouse and keys. Plot and D3 do the drawing.
const INK = ["#000000", "#ffffff"];
const luminance = (colour) => {
  const { r, g, b } = d3.rgb(colour);
  const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const inkOn = (colour) => (contrast(INK[0], colour) >= contrast(INK[1], colour) ? INK[0] : INK[1]);
const variable = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// Ordered in lightness, so that it survives grey print; the palest and the darkest ends are left out.
const sequential = (low, high) =>
  d3.scaleSequential([low, high === low ? low + 1 : high], (u) => d3.interpolateYlGnBu(0.06 + 0.86 * u));
const diverging = (most) =>
  d3.scaleDiverging([-(most || 1), 0, most || 1], (u) => d3.interpolatePuOr(1 - (0.1 + 0.8 * u)));

const BASE = { style: { background: "transparent", fontSize: "12px", fontFamily: "inherit" } };
function plot(width, height, options) {
  return Plot.plot({
    ...BASE,
    width: Math.max(120, Math.floor(width)),
    height: Math.max(60, Math.floor(height)),
    ...options,
  });
}
// Plot calls its marks by English names: they become data, and the whole is called in the reader's language.
function labelled(drawn, label) {
  const svg = drawn.tagName === "svg" ? drawn : drawn.querySelector("svg");
  for (const node of drawn.querySelectorAll("g[aria-label]")) {
    node.dataset.mark = node.getAttribute("aria-label");
    node.removeAttribute("aria-label");
  }
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", label);
  return drawn;
}
// Labels of a left axis take at most a share of the width; what is longer is cut, and named in full when pointed at.
const pen = document.createElement("canvas").getContext("2d");
const written = (label, size = 11) => {
  pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(label).width;
};
const margin = (width, names, most = 0.45) =>
  Math.min(most * width, 14 + (d3.max(names, (name) => written(name)) || 30));
function brief(label, pixels, size = 11) {
  if (written(label, size) <= pixels) return label;
  let kept = label.length;
  while (kept > 1 && written(`${label.slice(0, kept)}\u2026`, size) > pixels) kept--;
  return `${label.slice(0, kept)}\u2026`;
}
const namesAxis = (left, label = (name) => name) =>
  Plot.axisY({
    tickSize: 0,
    label: null,
    fontSize: 11,
    tickFormat: (name) => brief(label(name), left - 12),
    title: label,
  });

// Lets marks be reached by tab and arrows, and picked by click, Enter or space; `items` in the order of the data.
function pickable(nodes, items, { label, chosen, pick, key }) {
  const marks = [...nodes].map((node) => ({ node, item: items[node.__data__] ?? items[0] }));
  const current = marks.find(({ item }) => chosen(item)) ?? marks[0];
  for (const mark of marks) {
    const { node, item } = mark;
    for (const [name, value] of Object.entries({
      role: "button",
      tabindex: mark === current ? 0 : -1,
      "aria-label": label(item),
      "aria-pressed": chosen(item),
      "data-key": key(item),
    }))
      node.setAttribute(name, value);
    node.addEventListener("click", () => pick(item));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        pick(item);
      }
      const next = neighbour(mark, marks, event.key);
      if (next) {
        event.preventDefault();
        next.node.setAttribute("tabindex", 0);
        node.setAttribute("tabindex", -1);
        next.node.focus();
        if (event.key.startsWith("Arrow")) pick(next.item);
      }
    });
  }
}
// The nearest mark in the direction of an arrow, by the middles of the marks.
function neighbour(from, marks, pressed) {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[pressed];
  if (pressed === "Home") return marks[0];
  if (pressed === "End") return marks.at(-1);
  if (!direction) return null;
  const middle = ({ node }) => {
    const box = node.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const [x, y] = middle(from);
  const distance = (mark) => {
    const [u, v] = middle(mark),
      along = (u - x) * direction[0] + (v - y) * direction[1],
      across = Math.abs((u - x) * direction[1]) + Math.abs((v - y) * direction[0]);
    return mark === from || along < 2 ? Infinity : along + 3 * across;
  };
  const best = d3.least(marks, distance);
  return best && Number.isFinite(distance(best)) ? best : null;
}

// One tile for each region: colour, name and number; a click picks it.
function tileMap(width, height, { colour, value, shown, label, chosen, pick, outline, ring }) {
  const rows = d3.extent(data.regions, (r) => r.row),
    columns = d3.extent(data.regions, (r) => r.column);
  const across = columns[1] - columns[0] + 1,
    down = rows[1] - rows[0] + 1,
    unit = Math.max(4, Math.min((width - 4) / across, height < 150 ? Infinity : (height - 4) / down));
  const fill = (r) => (r.inside && value(r) !== null ? colour(value(r)) : variable("--wash"));
  const named = unit >= 22,
    numbered = unit >= 38,
    roomy = unit >= 46;
  const drawn = plot(unit * across + 4, unit * down + 4, {
    margin: 2,
    x: { domain: [columns[0] - 0.5, columns[1] + 0.5], axis: null },
    y: { domain: [rows[1] + 0.5, rows[0] - 0.5], axis: null },
    color: { type: "identity" },
    marks: [
      Plot.rect(data.regions, {
        x1: (r) => r.column - 0.47,
        x2: (r) => r.column + 0.47,
        y1: (r) => r.row - 0.47,
        y2: (r) => r.row + 0.47,
        rx: Math.min(4, unit / 8),
        fill,
        stroke: (r) => (chosen(r) ? variable("--mark") : outline?.(r) ? variable("--focus") : variable("--line")),
        strokeWidth: (r) => (chosen(r) ? 3 : outline?.(r) ? 2.5 : 1),
        title: label,
      }),
      named
        ? Plot.text(data.regions, {
            x: "column",
            y: "row",
            dy: numbered ? -unit * 0.13 : 0,
            text: (r) => text(r.short),
            fill: (r) => inkOn(d3.color(fill(r)).formatHex()),
            fontSize: Math.min(15, unit * 0.32),
            fontWeight: 600,
            pointerEvents: "none",
          })
        : null,
      numbered
        ? Plot.text(
            data.regions.filter((r) => r.inside && value(r) !== null),
            {
              x: "column",
              y: "row",
              dy: unit * 0.22,
              text: (r) => shown(value(r)),
              fill: (r) => inkOn(d3.color(fill(r)).formatHex()),
              fontSize: roomy ? 11 : 9,
              pointerEvents: "none",
            },
          )
        : null,
    ],
  });
  const tiles = [...drawn.querySelectorAll("g[aria-label=rect] rect")];
  tiles.forEach((node) => node.setAttribute("data-region", data.regions[node.__data__].key));
  pickable(
    tiles.filter((node) => data.regions[node.__data__].inside),
    data.regions,
    { label, chosen, pick, key: (r) => `tile-${r.key}` },
  );
  return labelled(drawn, ring ?? t("map"));
}
function ramp(colour, low, high, label) {
  const drawn = Plot.legend({
    color: {
      type: "linear",
      domain: d3.range(9).map((k) => low + ((high - low) * k) / 8),
      range: d3.range(9).map((k) => colour(low + ((high - low) * k) / 8)),
    },
    label,
    width: 260,
    height: 50,
    marginLeft: 12,
    marginRight: 12,
    ticks: 4,
    style: { fontSize: "11px", overflow: "visible" },
  });
  return labelled(drawn, label);
}
