// Where is it high: map and years, and for one region its series, rank, profile and obstacles.
const held = data.where.variables,
  years = data.where.years;
const order = d3.index(
  data.regions.map((r, k) => ({ key: r.key, at: data.places[k] })),
  (d) => d.key,
);
const at = (region) => order.get(region.key).at;
const regionOf = (key) => data.regions.find((r) => r.key === key);
const chosenVariable = () => held.find((v) => v.key === state.variable) ?? held[0];
const yearPlace = () => Math.max(0, years.indexOf(state.year));
const valueIn = (v, year, region) => (region.inside ? v.values[year][at(region)] : null);
function rankOf(v, year, region) {
  const values = v.values[year].filter((x) => x !== null),
    own = valueIn(v, year, region);
  return own === null ? null : { rank: 1 + values.filter((x) => x > own).length, of: values.length };
}
const ownValue = () => valueIn(chosenVariable(), yearPlace(), regionOf(state.region));
const indexShown = () =>
  data.profiles[chosenVariable().measure] ? chosenVariable().measure : Object.keys(data.profiles)[0];
const couplingShown = () =>
  data.obstacles[state.coupling]
    ? state.coupling
    : data.obstacles[chosenVariable().measure]
      ? chosenVariable().measure
      : Object.keys(data.obstacles)[0];
let playing = null;
function play(button) {
  if (playing) {
    clearInterval(playing);
    playing = null;
    button.sync();
    return;
  }
  if (yearPlace() === years.length - 1) set({ year: years[0] });
  playing = setInterval(() => {
    if (state.view !== "where" || yearPlace() >= years.length - 1) {
      clearInterval(playing);
      playing = null;
      button.sync();
      return;
    }
    set({ year: years[yearPlace() + 1] });
  }, 900);
  button.sync();
}
function playButton() {
  const button = h("button", { type: "button", "data-key": "play", onclick: () => play(button) });
  button.sync = () => {
    button.textContent = playing ? `❚❚ ${t("pause")}` : `▶ ${t("play")}`;
    button.setAttribute("aria-pressed", Boolean(playing));
  };
  return button;
}

function drawMap(width, height) {
  const v = chosenVariable(),
    year = yearPlace(),
    [low, high] = d3.extent(v.values.flat().filter((x) => x !== null));
  const colour = sequential(low ?? 0, high ?? 1);
  const map = tileMap(width, height - 56, {
    colour,
    value: (r) => valueIn(v, year, r),
    shown: (x) => number(x, Math.abs(high) >= 100 ? 0 : 2),
    chosen: (r) => r.key === state.region,
    pick: (r) => set({ region: r.key }),
    ring: t("pair", called(v.key), years[year]),
    label: (r) => `${regionName(r)}: ${r.inside ? number(valueIn(v, year, r)) : t("outside")}`,
  });
  return h("div", {}, map, ramp(colour, low ?? 0, high ?? 1, called(v.key)));
}

function drawSeries(width, height) {
  const v = chosenVariable(),
    chosen = regionOf(state.region);
  const lines = inside.flatMap((r) => years.map((year, k) => ({ key: r.key, year, value: valueIn(v, k, r) })));
  const medians = years.map((year, k) => ({ year, value: d3.median(v.values[k].filter((x) => x !== null)) }));
  const own = lines.filter((d) => d.key === chosen.key);
  return labelled(
    plot(width, height, {
      marginLeft: 48,
      marginBottom: 22,
      marginTop: 12,
      marginRight: 18,
      x: { label: null, tickFormat: "d", ticks: Math.min(years.length, Math.floor(width / 55)) },
      y: { label: null, nice: true, ticks: 4, grid: true },
      marks: [
        Plot.line(lines, {
          x: "year",
          y: "value",
          z: "key",
          stroke: "var(--faint)",
          strokeWidth: 0.7,
          strokeOpacity: 0.35,
        }),
        Plot.line(medians, { x: "year", y: "value", stroke: "var(--soft)", strokeWidth: 1.6, strokeDasharray: "5 4" }),
        Plot.line(own, { x: "year", y: "value", stroke: "var(--accent)", strokeWidth: 2.6 }),
        Plot.ruleX([years[yearPlace()]], { stroke: "var(--soft)", strokeDasharray: "2 3" }),
        Plot.dot(
          own.filter((d) => d.year === state.year),
          { x: "year", y: "value", fill: "var(--accent)", r: 4 },
        ),
        Plot.tip(
          lines,
          Plot.pointer({
            x: "year",
            y: "value",
            title: (d) => `${regionName(regionOf(d.key))} ${d.year}: ${number(d.value)}`,
            fill: "var(--card)",
            stroke: "var(--line)",
          }),
        ),
      ],
    }),
    t("series"),
  );
}
function rankSaid() {
  const v = chosenVariable(),
    region = regionOf(state.region),
    found = rankOf(v, yearPlace(), region);
  if (!found) return t("missing");
  const ranks = v.column === "index" && data.profiles[v.measure]?.ranks?.[yearPlace()]?.[at(region)];
  const said = t("rank", found.rank, found.of);
  return ranks && ranks[1] !== null ? `${said} ${t("rank_interval", ranks[1], ranks[2])}` : said;
}

// Rows of one index or coupling by indicator, for the chosen year and region.
const indicatorRow = (shown, region) => shown?.values[yearPlace()]?.[at(region)] ?? null;
function byIndicator(width, height, label, rows, marks, x) {
  const left = margin(
    width,
    rows.map((d) => d.name),
    0.5,
  );
  return labelled(
    plot(width, Math.max(height, rows.length * 19 + 28), {
      marginLeft: left,
      marginBottom: 22,
      marginTop: 4,
      marginRight: 34,
      x: { label: null, grid: true, ticks: width - left < 200 ? 2 : 4, ...x },
      y: { label: null, domain: rows.map((d) => d.name) },
      marks: [namesAxis(left), ...marks],
    }),
    label,
  );
}
function drawProfile(width, height) {
  const shown = data.profiles[indexShown()],
    own = indicatorRow(shown, regionOf(state.region));
  if (!own) return h("p", {}, t("no_profile"));
  const rows = shown.values[yearPlace()].filter(Boolean),
    dots = shown.indicators.map((key, k) => ({ name: called(key), own: own[k], median: d3.median(rows, (r) => r[k]) }));
  const dot = (x, options, after = "") =>
    Plot.dot(dots, { y: "name", x, title: (d) => `${d.name}: ${number(d[x])}${after}`, ...options });
  const marks = [
    Plot.ruleY(dots, { y: "name", x1: "median", x2: "own", stroke: "var(--faint)" }),
    dot("median", { stroke: "var(--soft)", fill: "var(--card)", r: 4 }, ` (${t("median")})`),
    dot("own", { fill: "var(--accent)", r: 5 }),
  ];
  return byIndicator(width, height, t("profile"), dots, marks, { domain: [0, 1] });
}
function drawObstacles(width, height) {
  const shown = data.obstacles[couplingShown()],
    own = indicatorRow(shown, regionOf(state.region));
  if (!own) return h("p", {}, t("no_obstacles"));
  const bars = shown.indicators
    .map((key, k) => ({ name: called(key), share: own[k] }))
    .sort((a, b) => b.share - a.share);
  const place = { y: "name", x: "share" },
    said = (d) => percent(d.share);
  const marks = [
    Plot.barX(bars, { ...place, fill: "var(--accent)", title: (d) => `${d.name}: ${said(d)}` }),
    Plot.text(bars, { ...place, text: said, textAnchor: "start", dx: 3, fontSize: 10 }),
  ];
  return byIndicator(width, height, t("obstacles"), bars, marks, { tickFormat: ".0%" });
}
const indicatorTable = (name, shown) => [
  `${name}_${state.year}`,
  [t("region"), ...(shown?.indicators ?? []).map(called)],
  inside.map((r) => [regionName(r), ...(indicatorRow(shown, r) ?? [])]),
];

views.push({
  key: "where",
  start: () => ({
    variable: (held.find((v) => v.key === data.fits[0]?.outcome) ?? held[0])?.key,
    year: years.at(-1),
    region: inside[0]?.key,
    coupling: Object.keys(data.obstacles)[0] ?? "",
  }),
  mend() {
    if (!held.some((v) => v.key === state.variable)) state.variable = this.start().variable;
    if (!years.includes(state.year)) state.year = years.at(-1);
    if (!inside.some((r) => r.key === state.region)) state.region = inside[0]?.key;
  },
  absent: () => (held.length && inside.length ? null : "absent_where"),
  notes: () => [
    data.shown.how === "all" ? null : t(`shown_${data.shown.how}`, data.shown.of, data.shown.count),
    data.tiled ? null : t("no_tiles"),
    data.where.left_out ? t("left_out_variables", data.where.left_out) : null,
  ],
  controls: () => [
    choose("variable", t("variable"), () => held.map((v) => [v.key, called(v.key)]), "wide"),
    playButton(),
    slide("year", t("year"), years[0], years.at(-1), 1, (year) => String(year)),
    choose("region", t("region"), () => inside.map((r) => [r.key, regionName(r)])),
    Object.keys(data.obstacles).length > 1
      ? choose(
          "coupling",
          t("coupling"),
          () => Object.entries(data.obstacles).map(([key, o]) => [key, called(o.name)]),
          "wide",
        )
      : null,
  ],
  cards: [
    {
      key: "map",
      title: () => t("pair", called(chosenVariable().key), state.year),
      draw: drawMap,
      csv: () => [
        `${state.variable}_${state.year}`,
        [t("region"), t("group"), called(state.variable)],
        inside.map((r) => [regionName(r), called(r.group), valueIn(chosenVariable(), yearPlace(), r)]),
      ],
    },
    {
      key: "series",
      title: () =>
        `${t("pair", regionName(regionOf(state.region)), state.year)}: ${number(ownValue())} · ${rankSaid()}`,
      draw: drawSeries,
      note: () => t("series_note"),
      csv: () => [
        `${state.variable}_series`,
        [t("region"), ...years.map(String)],
        inside.map((r) => [regionName(r), ...years.map((_, k) => valueIn(chosenVariable(), k, r))]),
      ],
    },
    {
      key: "profile",
      within: "pair",
      title: () => t("profile"),
      draw: drawProfile,
      note: () => (indexShown() ? t("profile_note", called(`${indexShown()}.index`)) : ""),
      csv: () => indicatorTable("profile", data.profiles[indexShown()]),
    },
    {
      key: "obstacles",
      within: "pair",
      title: () => t("obstacles"),
      draw: drawObstacles,
      note: () => (couplingShown() ? t("obstacles_note", called(data.obstacles[couplingShown()].name)) : ""),
      csv: () => indicatorTable("obstacles", data.obstacles[couplingShown()]),
    },
  ],
  files: () => [
    chosenVariable().file || data.where.panel,
    data.profiles[indexShown()]?.file,
    data.obstacles[couplingShown()]?.file,
  ],
  shows: (exhibit) =>
    exhibit.variables.includes(state.variable) ||
    exhibit.files.some((file) => file.startsWith(`measures/${chosenVariable().measure || "?"}/`)),
});
