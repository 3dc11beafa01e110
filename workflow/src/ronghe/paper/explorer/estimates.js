// What goes with what: every estimate as an interval, the specification behind it, and its entry to copy.
const FILTERS = ["treatment", "outcome", "weights", "model", "inference"];
const EFFECTS = ["coefficient", "direct", "indirect", "total"];
const COLOURS = { coefficient: "var(--ink)", direct: "var(--up)", indirect: "var(--down)", total: "var(--accent)" };
const SYMBOLS = { coefficient: "circle", direct: "diamond2", indirect: "triangle", total: "square" };
const told = data.fits.filter((fit) => fit.rows.some((row) => row.main && row.estimate !== null));
const distinct = (key) => [...new Set(told.map((fit) => fit[key]))];
const common = (key) =>
  d3.greatest(
    d3.rollups(
      told,
      (fits) => fits.length,
      (fit) => fit[key],
    ),
    ([, n]) => n,
  )?.[0] ?? "";
const matching = (but = "") =>
  told.filter((fit) => FILTERS.every((key) => key === but || !state[key] || fit[key] === state[key]));
const kindOf = (effect) =>
  EFFECTS.find((kind) => effect === kind) ?? EFFECTS.find((kind) => effect.endsWith(kind)) ?? "coefficient";
const intervals = () =>
  matching().flatMap((fit) =>
    fit.rows
      .filter((row) => row.main && row.estimate !== null && (!state.effect || kindOf(row.effect) === state.effect))
      .map((row) => ({ fit, row, kind: kindOf(row.effect), key: `${fit.name}/${row.term}/${row.effect}` })),
  );
const chosenFit = () => told.find((fit) => fit.name === state.fit) ?? matching()[0] ?? told[0];
const withEffect = ({ fit, row, kind }) =>
  [called(fit.name), kind !== "coefficient" ? called(row.effect) : row.term === fit.treatment ? "" : called(row.term)]
    .filter(Boolean)
    .join(" · ");

function drawIntervals(width, height) {
  const rows = intervals();
  if (!rows.length) return h("p", {}, t("nothing"));
  const left = margin(width, rows.map(withEffect), width < 500 ? 0.42 : 0.46),
    bounds = rows.flatMap((d) => [d.row.lower, d.row.upper, d.row.estimate]).filter((x) => x !== null);
  // A few intervals may be a hundred times as long as the others: the axis holds most, and the rest run out of it.
  const sorted = d3.sort(bounds),
    cut = (q) => d3.quantileSorted(sorted, q),
    spread = Math.max(cut(0.92) - cut(0.08), 1e-12);
  const domain = [
    Math.min(0, Math.max(sorted[0], cut(0.08) - spread)),
    Math.max(0, Math.min(sorted.at(-1), cut(0.92) + spread)),
  ];
  const clip = (x, end) => (x === null ? end : Math.max(domain[0], Math.min(domain[1], x)));
  const drawn = plot(width, Math.max(height - 6, rows.length * 17 + 44), {
    marginLeft: left,
    marginTop: 24,
    marginBottom: 26,
    marginRight: 14,
    x: { domain, label: null, grid: true, ticks: Math.floor((width - left) / 70) },
    y: { domain: rows.map((d) => d.key), label: null },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.axisX({ anchor: "top", label: null, ticks: Math.floor((width - left) / 70) }),
      namesAxis(left, (key) => withEffect(rows.find((d) => d.key === key))),
      Plot.ruleX([0], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.ruleY(
        rows.filter((d) => d.fit.name === state.fit),
        { y: "key", stroke: "var(--wash)", strokeWidth: 15 },
      ),
      Plot.ruleY(rows, {
        y: "key",
        x1: (d) => clip(d.row.lower, domain[0]),
        x2: (d) => clip(d.row.upper, domain[1]),
        stroke: (d) => COLOURS[d.kind],
        strokeWidth: 1.7,
      }),
      Plot.dot(rows, {
        y: "key",
        x: (d) => clip(d.row.estimate, null),
        symbol: (d) => SYMBOLS[d.kind],
        fill: (d) => COLOURS[d.kind],
        r: 4.5,
        title: (d) => `${withEffect(d)}\n${number(d.row.estimate)} ${range(d.row.lower, d.row.upper)}`,
      }),
    ],
  });
  pickable(drawn.querySelectorAll("g[aria-label=dot] path, g[aria-label=dot] circle"), rows, {
    label: (d) => `${withEffect(d)}: ${number(d.row.estimate)} ${range(d.row.lower, d.row.upper)}`,
    chosen: (d) => d.fit.name === state.fit,
    pick: (d) => set({ fit: d.fit.name }),
    key: (d) => `dot-${d.key}`,
  });
  return labelled(drawn, t("view_estimates"));
}
function drawAbout() {
  const fit = chosenFit(),
    rows = fit.rows.filter((row) => row.estimate !== null);
  return h(
    "div",
    {},
    facts([
      [t("model"), called(fit.model)],
      [t("outcome"), called(fit.outcome)],
      [t("treatment"), called(fit.treatment)],
      [t("weights"), called(fit.weights)],
      [t("inference"), called(fit.inference)],
      [t("sample"), `${called(fit.sample)} · ${t("size", ...fit.size.map((n) => n ?? "\u2013"))}`],
      [t("shared"), fit.shared.map(called).join(", ")],
    ]),
    grid(
      [t("term"), t("estimate"), t("error"), "p", t("interval")],
      rows.map((row) => [
        row.effect === "coefficient" ? called(row.term) : `${called(row.term)}: ${called(row.effect)}`,
        number(row.estimate),
        number(row.error),
        number(row.pvalue),
        range(row.lower, row.upper),
      ]),
    ),
  );
}
const effectName = (kind) => (kind === "coefficient" ? t("coefficient") : called(kind));
const legendOfEffects = () =>
  EFFECTS.filter((kind) => intervals().some((d) => d.kind === kind))
    .map((kind) => `${{ coefficient: "●", direct: "◆", indirect: "▲", total: "■" }[kind]} ${effectName(kind)}`)
    .join("   ") + ";";
const mixed = () => ["treatment", "outcome"].some((key) => new Set(intervals().map((d) => d.fit[key])).size > 1);
// What a saved table holds of a specification, and of one row of it: a heading and how to find the value.
const FIT_COLUMNS = [
  ["specification", ({ fit }) => fit.name],
  ...["model", "outcome", "treatment", "weights", "inference"].map((key) => [key, ({ fit }) => called(fit[key])]),
];
const ROW_COLUMNS = [
  ["term", ({ row }) => called(row.term)],
  ["effect", ({ row }) => effectName(row.effect)],
  ["estimate", ({ row }) => row.estimate],
  ["error", ({ row }) => row.error],
  ["p", ({ row }) => row.pvalue],
  ["lower", ({ row }) => row.lower],
  ["upper", ({ row }) => row.upper],
];
const rowTable = (name, rows, columns) => [
  name,
  columns.map(([key]) => (key === "p" ? key : t(key))),
  rows.map((d) => columns.map(([, value]) => value(d))),
];

views.push({
  key: "estimates",
  start: () => ({
    treatment: common("treatment"),
    outcome: common("outcome"),
    weights: "",
    model: "",
    inference: "",
    effect: "",
    fit:
      told.find((fit) => fit.treatment === common("treatment") && fit.outcome === common("outcome"))?.name ??
      told[0]?.name,
  }),
  mend() {
    for (const key of FILTERS) if (state[key] && !distinct(key).includes(state[key])) state[key] = "";
    if (state.effect && !EFFECTS.includes(state.effect)) state.effect = "";
    if (!matching().some((fit) => fit.name === state.fit)) state.fit = (matching()[0] ?? told[0])?.name;
  },
  absent: () => (told.length ? null : "absent_estimates"),
  controls: () => [
    ...FILTERS.map((key) =>
      choose(key, t(key), () => [
        ["", t("all")],
        ...distinct(key)
          .filter((value) => matching(key).some((fit) => fit[key] === value) || value === state[key])
          .map((value) => [value, called(value)]),
      ]),
    ),
    choose("effect", t("effect"), () => [["", t("all")], ...EFFECTS.map((kind) => [kind, effectName(kind)])]),
    choose("fit", t("specification"), () => matching().map((fit) => [fit.name, called(fit.name)])),
  ],
  cards: [
    {
      key: "chart",
      title: () => t("estimates_title", called(state.treatment || "") || t("all"), matching().length),
      draw: drawIntervals,
      note: () => [legendOfEffects(), t("estimates_note"), mixed() ? t("units_differ") : ""].join(" ").trim(),
      csv: () => rowTable("estimates", intervals(), [...FIT_COLUMNS, ...ROW_COLUMNS]),
    },
    {
      key: "about",
      title: () => called(chosenFit().name),
      draw: drawAbout,
      plain: true,
      csv: () => {
        const fit = chosenFit();
        return rowTable(
          fit.name,
          fit.rows.map((row) => ({ fit, row })),
          ROW_COLUMNS,
        );
      },
    },
    { key: "entry", title: () => t("entry"), draw: () => entryBox(chosenFit().entry), plain: true },
  ],
  files: () => [chosenFit().file],
  shows: (exhibit) =>
    exhibit.specifications.includes(chosenFit().name) ||
    exhibit.files.some((file) => file.startsWith(`models/${chosenFit().name}/`)),
});
