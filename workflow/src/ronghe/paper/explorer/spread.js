// Where does it spill: what a change in one region does to every other, under each W.
const spills = data.spread.fits;
const spillOf = (name) => spills.find((fit) => fit.name === name) ?? spills[0];
const regionAt = (fit, k) => inside[fit.regions[k]];
const placeIn = (fit, key) => fit.regions.findIndex((r) => inside[r].key === key);
const spillName = (fit) =>
  `${called(fit.weights)} · ${called(fit.model)}${called(fit.name) === fit.name ? ` · ${fit.name}` : ""}`;
// The fits that differ from this one in W alone.
const family = (fit) =>
  spills.filter(
    (other) =>
      ["outcome", "treatment", "model", "method", "sample"].every((key) => other[key] === fit[key]) &&
      text(other.inference) === text(fit.inference),
  );
function receipts(fit, source) {
  const from = placeIn(fit, source);
  return fit.regions.map((_, k) => ({
    k,
    region: regionAt(fit, k),
    estimate: fit.estimate[from][k],
    half: fit.half[from][k],
    near: fit.neighbours[from].includes(k),
    home: k === from,
  }));
}

// As many decimals for all as the largest needs to show two figures.
const rounded = (most) => {
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(most || 1))));
  return (x) => minus(x.toFixed(digits)).replace(/^\u2212(0(?:\.0*)?)$/, "$1");
};
function drawSpillMap(width, height, times = 1) {
  const fit = spillOf(state.fit),
    rows = receipts(fit, state.region).map((d) => ({
      ...d,
      estimate: d.estimate * times,
      half: Math.abs(d.half * times),
    })),
    found = new Map(rows.map((d) => [d.region.key, d]));
  const others = rows.filter((d) => !d.home),
    most = d3.max(others, (d) => Math.abs(d.estimate)) ?? 1,
    colour = diverging(most);
  const map = tileMap(width, height - 56, {
    colour: (x) => colour(Math.max(-most, Math.min(most, x))),
    value: (r) => found.get(r.key)?.estimate ?? null,
    shown: rounded(most),
    chosen: (r) => r.key === state.region,
    outline: (r) => found.get(r.key)?.near,
    pick: (r) => found.has(r.key) && set({ region: r.key }),
    ring: t("view_spread"),
    label: (r) => {
      const d = found.get(r.key);
      return d
        ? `${regionName(r)}: ${number(d.estimate)} [${number(d.estimate - d.half)}, ${number(d.estimate + d.half)}]`
        : `${regionName(r)}: ${t("outside")}`;
    },
  });
  return h("div", {}, map, ramp(colour, -most, most, t("received_scale")));
}
function drawReceivers(width, height) {
  const rows = d3
    .sort(receipts(spillOf(state.fit), state.region), (d) => (d.home ? -Infinity : -Math.abs(d.estimate)))
    .slice(0, Math.max(6, Math.min(13, Math.floor(height / 19))));
  return whiskers(
    width,
    height,
    rows.map((d) => ({
      ...d,
      name: regionName(d.region) + (d.home ? ` (${t("itself")})` : d.near ? ` (${t("neighbour")})` : ""),
    })),
    t("receivers"),
  );
}
// Intervals on one axis, a line for each name.
function whiskers(width, height, rows, label) {
  const left = margin(
    width,
    rows.map((d) => d.name),
    0.5,
  );
  return labelled(
    plot(width, Math.max(height - 4, rows.length * 15 + 28), {
      marginLeft: left,
      marginTop: 4,
      marginBottom: 24,
      marginRight: 12,
      x: { label: null, grid: true, ticks: Math.max(2, Math.floor((width - left) / 75)) },
      y: { label: null, domain: [...new Set(rows.map((d) => d.name))] },
      marks: [
        namesAxis(left),
        Plot.ruleX([0], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
        Plot.ruleY(rows, {
          y: "name",
          x1: (d) => d.estimate - d.half,
          x2: (d) => d.estimate + d.half,
          stroke: "var(--accent)",
          strokeWidth: 2,
        }),
        Plot.dot(rows, {
          y: "name",
          x: "estimate",
          r: 4.5,
          fill: "var(--accent)",
          title: (d) =>
            `${d.name}: ${number(d.estimate)} [${number(d.estimate - d.half)}, ${number(d.estimate + d.half)}]`,
        }),
      ],
    }),
    label,
  );
}
const eachW = () =>
  family(spillOf(state.fit)).flatMap((fit) => {
    const k = placeIn(fit, state.region);
    return k < 0
      ? []
      : ["direct", "given"].map((effect) => ({
          fit,
          effect,
          name: `${called(fit.weights)}: ${t(effect === "direct" ? "at_home" : "to_others")}`,
          estimate: fit.units[effect][0][k],
          half: fit.units[effect][1][k],
        }));
  });
const changeSaid = (fit) =>
  t("unit_change", regionName(regionOf(state.region)), called(fit.treatment), called(fit.outcome));
const startSpill = () => spills.find((fit) => fit.model === "models/sdm") ?? spills[0];
function mendSpill() {
  if (!spills.length) return;
  if (!spills.some((fit) => fit.name === state.fit)) state.fit = startSpill().name;
  if (placeIn(spillOf(state.fit), state.region) < 0) state.region = regionAt(spillOf(state.fit), 0).key;
}
const spillControls = () => [
  choose("fit", t("weights_and_model"), () => spills.map((fit) => [fit.name, spillName(fit)]), "wide"),
  choose("region", t("region_of_change"), () =>
    spillOf(state.fit).regions.map((_, k) => [
      regionAt(spillOf(state.fit), k).key,
      regionName(regionAt(spillOf(state.fit), k)),
    ]),
  ),
];

views.push({
  key: "spread",
  start: () => ({ fit: startSpill()?.name, region: spills.length ? regionAt(startSpill(), 0).key : "" }),
  mend: mendSpill,
  absent: () => (spills.length ? null : "absent_spread"),
  notes: () => [data.spread.left_out.length ? t("left_out_fits", data.spread.left_out.length) : null],
  controls: spillControls,
  cards: [
    {
      key: "map",
      title: () => changeSaid(spillOf(state.fit)),
      draw: drawSpillMap,
      note: () => t("spread_note", text(spillOf(state.fit).inference)),
      csv: () => [
        `impacts_${state.fit}_${state.region}`,
        [t("region"), t("estimate"), t("lower"), t("upper"), t("neighbour")],
        receipts(spillOf(state.fit), state.region).map((d) => [
          regionName(d.region),
          d.estimate,
          d.estimate - d.half,
          d.estimate + d.half,
          Number(d.near),
        ]),
      ],
    },
    {
      key: "bars",
      title: () => t("receivers"),
      draw: drawReceivers,
      csv: () => [
        `matrix_${state.fit}`,
        [
          `${t("from")} \\ ${t("to")}`,
          ...spillOf(state.fit).regions.map((_, k) => regionName(regionAt(spillOf(state.fit), k))),
        ],
        spillOf(state.fit).estimate.map((row, k) => [regionName(regionAt(spillOf(state.fit), k)), ...row]),
      ],
    },
    {
      key: "each",
      title: () => t("each_w"),
      draw: (width, height) => whiskers(width, height, eachW(), t("each_w")),
      note: () => t("each_w_note"),
      csv: () => [
        `by_weights_${state.region}`,
        [t("weights"), t("effect"), t("estimate"), t("lower"), t("upper")],
        eachW().map((d) => [
          called(d.fit.weights),
          t(d.effect === "direct" ? "at_home" : "to_others"),
          d.estimate,
          d.estimate - d.half,
          d.estimate + d.half,
        ]),
      ],
    },
  ],
  files: () => [spillOf(state.fit).file],
  shows: (exhibit) =>
    exhibit.specifications.includes(state.fit) ||
    exhibit.files.some(
      (file) => file.startsWith(`models/${state.fit}/`) || file.startsWith(`weights/${spillOf(state.fit)?.weights}/`),
    ),
});
