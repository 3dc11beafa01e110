// How sure: the curve of all specifications, its panel of choices, filters, and one specification with its entry.
const BINS = 100,
  PLACES = 300;
const masks = () =>
  [...String(state.with ?? "")].reduce(
    ([must, barred], sign, k) =>
      sign === "1" ? [must | (1 << k), barred] : sign === "0" ? [must, barred | (1 << k)] : [must, barred],
    [0, 0],
  );
const openChoices = () => (world ? world.choices.filter((_, k) => varies(k)) : []);
let kept = null,
  keptKey = null;
function current() {
  const key = JSON.stringify([openChoices().map((choice) => state[`by_${choice.key}`]), state.with]);
  if (key !== keptKey) {
    kept = filtered(
      Object.fromEntries(openChoices().map((choice) => [choice.key, state[`by_${choice.key}`]])),
      ...masks(),
    );
    keptKey = key;
  }
  return kept;
}
// The member that stands at the middle of each of at most PLACES equal stretches.
function standing() {
  const { found, n } = current(),
    places = Math.min(n, PLACES);
  return Array.from({ length: places }, (_, k) => {
    const rank = Math.floor(((k + 0.5) * n) / places),
      i = found[rank];
    return {
      k,
      rank,
      share: (rank + 0.5) / n,
      i,
      estimate: members.estimate[i],
      low: members.estimate[i] - half(i),
      high: members.estimate[i] + half(i),
    };
  });
}
const chosenRank = () => Math.min(current().n - 1, Math.max(0, Math.round(state.rank * (current().n - 1))));
const chosenMember = () => current().found[chosenRank()];

function drawCurve(width, height) {
  const { n } = current();
  if (!n) return h("p", {}, t("nothing"));
  const line = standing(),
    inner = line.slice(Math.ceil(0.04 * line.length), Math.max(1, Math.floor(0.96 * line.length))),
    used = inner.length ? inner : line;
  const domain = [
    Math.min(
      0,
      d3.quantile(used, 0.06, (d) => d.low),
    ),
    Math.max(
      0,
      d3.quantile(used, 0.94, (d) => d.high),
    ),
  ];
  const rows = shares(current().found, Math.min(BINS, n)),
    strips = topsOf(rows).at(-1) + 1,
    tall = Math.max(8.5, Math.min(13, (height - 160) / strips)),
    below = strips * tall + 4;
  const left = Math.min(0.34 * width, 175),
    top = Math.max(115, height - below - 6),
    pinned = {
      share: (chosenRank() + 0.5) / n,
      estimate: members.estimate[chosenMember()],
      low: members.estimate[chosenMember()] - half(chosenMember()),
      high: members.estimate[chosenMember()] + half(chosenMember()),
    };
  const clip = (x) => Math.max(domain[0], Math.min(domain[1], x));
  const curve = plot(width, top, {
    marginLeft: left,
    marginRight: 6,
    marginTop: 10,
    marginBottom: 4,
    x: { domain: [0, 1], axis: null },
    y: { domain, label: null, grid: true, ticks: 5 },
    marks: [
      Plot.areaY(line, {
        x: "share",
        y1: (d) => clip(d.low),
        y2: (d) => clip(d.high),
        fill: "var(--faint)",
        fillOpacity: 0.25,
      }),
      Plot.ruleY([0], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.dot(line, {
        x: "share",
        y: (d) => clip(d.estimate),
        r: 1.6,
        fill: (d) => (significant(d.i) ? (d.estimate > 0 ? "var(--up)" : "var(--down)") : "var(--ink)"),
      }),
      Plot.ruleX([pinned], {
        x: "share",
        y1: clip(pinned.low),
        y2: clip(pinned.high),
        stroke: "var(--accent)",
        strokeWidth: 2,
      }),
      Plot.dot([pinned], { x: "share", y: clip(pinned.estimate), r: 5, fill: "var(--accent)", stroke: "var(--card)" }),
      Plot.tip(
        line,
        Plot.pointerX({
          x: "share",
          y: (d) => clip(d.estimate),
          title: (d) => `${number(d.estimate)} [${number(d.low)}, ${number(d.high)}]\n${memberSaid(d.i).join("\n")}`,
          fill: "var(--card)",
          stroke: "var(--line)",
          fontSize: 11,
        }),
      ),
    ],
    color: { type: "identity" },
  });
  curve.addEventListener("click", (event) => {
    const box = curve.getBoundingClientRect(),
      share = ((event.clientX - box.left) * (width / box.width) - left) / (width - left - 6);
    if (share >= 0 && share <= 1) set({ rank: Number(share.toFixed(5)) });
  });
  curve.style.cursor = "crosshair";
  labelled(curve, t("curve_label", count(n)));
  return h("div", {}, curve, panel(rows, width, below, left, tall));
}
// How full says how often a level stands at a stretch: empty never, half as often as on the whole, full twice as often.
// Where the strip of each level begins: choices stand half a strip apart.
function topsOf(rows) {
  const tops = [];
  rows.forEach((row, k) => tops.push(k ? tops[k - 1] + (rows[k - 1].group === row.group ? 1 : 1.5) : 0));
  return tops;
}
function panel(rows, width, height, left, tall) {
  const bins = rows[0].share.length,
    tops = topsOf(rows),
    cells = rows.flatMap((row, k) =>
      row.share.map((share, bin) => ({
        row,
        r: tops[k],
        bin,
        share,
        grey: Math.min(1, share / Math.max(row.whole, 1e-12) / 2),
      })),
    );
  const heads = rows.map((row, k) => ({ r: tops[k], level: row.level }));
  const tone = d3.interpolateRgb(variable("--card"), variable("--ink"));
  const drawn = plot(width, height, {
    marginLeft: left,
    marginRight: 6,
    marginTop: 0,
    marginBottom: 2,
    x: { domain: [0, bins], axis: null },
    y: { domain: [0, tops.at(-1) + 1], reverse: true, axis: null },
    color: { type: "identity" },
    marks: [
      Plot.rect(cells, {
        x1: "bin",
        x2: (d) => d.bin + 1,
        y1: "r",
        y2: (d) => d.r + 0.9,
        fill: (d) => tone(d.row.whole === 0 ? 0 : d.grey),
        title: (d) =>
          `${d.row.name}: ${d.row.level}\n${percent(d.share)} (${t("on_the_whole")} ${percent(d.row.whole)})`,
      }),
      Plot.text(heads, {
        x: 0,
        y: (d) => d.r + 0.45,
        dx: -5,
        text: (d) => brief(d.level, left - 8, Math.min(11, tall)),
        title: (d) => d.level,
        textAnchor: "end",
        fontSize: Math.min(11, tall),
      }),
    ],
  });
  return labelled(drawn, t("panel_label"));
}
function memberSaid(i) {
  const run = runOf(i),
    said = world.choices.flatMap((choice, k) =>
      varies(k) ? [`${called(choice.name)}: ${called(levelKey(choice.key, choice.levels[run[k]]))}`] : [],
    );
  const controls = world.controls.filter((_, k) => members.bits[i] & (1 << k)).map(called);
  return [...said, `${t("controls")}: ${controls.length ? controls.join(", ") : t("none")}`];
}
const levelsOf = (choice) => [
  ["", t("all")],
  ...choice.levels
    .filter((_, place) => stands(world.choices.indexOf(choice), place))
    .map((level) => [level, called(levelKey(choice.key, level))]),
];
function drawFilters() {
  const signs = String(state.with).padEnd(world.controls.length, "x");
  const box = (key, label, options, value, change) =>
    h(
      "label",
      {},
      label,
      h(
        "select",
        { "data-key": key, onchange: (event) => change(event.target.value) },
        options.map(([v, shown]) => h("option", { value: v, selected: v === value }, shown)),
      ),
    );
  return h(
    "div",
    { class: "filters" },
    openChoices().map((choice) =>
      box(`by_${choice.key}`, called(choice.name), levelsOf(choice), state[`by_${choice.key}`], (value) =>
        set({ [`by_${choice.key}`]: value }),
      ),
    ),
    world.controls.map((control, k) =>
      box(
        `with_${k}`,
        called(control),
        [
          ["x", t("all")],
          ["1", t("with")],
          ["0", t("without")],
        ],
        signs[k],
        (value) => set({ with: (signs.slice(0, k) + value + signs.slice(k + 1)).replace(/x+$/, "") }),
      ),
    ),
  );
}
function drawMember() {
  const i = chosenMember();
  if (i === undefined) return h("p", {}, t("nothing"));
  return h(
    "div",
    {},
    h(
      "p",
      { class: "big" },
      `${number(members.estimate[i])} ${range(members.estimate[i] - half(i), members.estimate[i] + half(i))}`,
    ),
    h(
      "p",
      {},
      t("standing", count(chosenRank() + 1), count(current().n)),
      significant(i) ? ` · ${t("significant")}` : "",
    ),
    facts(
      memberSaid(i).map((line) => {
        const [head, ...rest] = line.split(": ");
        return [head, rest.join(": ")];
      }),
    ),
  );
}
function saidOfAll() {
  const all = world.summary.find((row) => row.treatment === "all"),
    tests = world.joint_test.filter((row) => row.statistic === "median"),
    most = world.variances[0];
  return [
    t(
      "whole_said",
      count(all.specifications),
      count(all.refused),
      number(all.median),
      percent(all.share_positive),
      percent(all.share_significant_positive),
      percent(all.share_significant_negative),
    ),
    tests.length
      ? t(
          "joint_said",
          tests.map((test) => `${number(test.pvalue, 2)} (${t(`null_${test.null}`)})`).join(", "),
          tests[0].draws,
        )
      : "",
    most
      ? t(
          "most_said",
          called(`choice/${most.choice}`) === `choice/${most.choice}`
            ? called(most.choice.replace(/^control /, ""))
            : called(`choice/${most.choice}`),
          percent(most.share_alone),
        )
      : "",
  ].join(" ");
}
const saidOfChosen = () => {
  const c = current();
  return c.able
    ? t(
        "chosen_said",
        count(c.able),
        count(c.refused),
        number(c.median),
        number(c.lower),
        number(c.upper),
        percent(c.positive),
        percent(c.up),
        percent(c.down),
      )
    : t("nothing");
};

views.push({
  key: "multiverse",
  start: () => ({
    ...Object.fromEntries(openChoices().map((choice) => [`by_${choice.key}`, ""])),
    with: "",
    rank: 0.5,
  }),
  mend() {
    if (!world) return;
    for (const choice of openChoices())
      if (state[`by_${choice.key}`] && !choice.levels.includes(state[`by_${choice.key}`]))
        state[`by_${choice.key}`] = "";
    if (!/^[x01]*$/.test(state.with ?? "") || String(state.with).length > world.controls.length) state.with = "";
    if (!(state.rank >= 0 && state.rank <= 1)) state.rank = 0.5;
  },
  absent: () => (world ? null : "absent_multiverse"),
  notes: () => [saidOfAll(), world.held < world.members ? t("thinned", count(world.held)) : ""],
  controls: () => [
    slide("rank", t("along"), 0, 1, 0.001, () =>
      current().n ? t("place_of", count(chosenRank() + 1), count(current().n)) : t("nothing"),
    ),
  ],
  cards: [
    { key: "filters", title: () => t("filters"), draw: drawFilters, plain: true },
    {
      key: "curve",
      title: () => saidOfChosen(),
      draw: drawCurve,
      note: () => t(world.standardised ? "curve_note_sd" : "curve_note", called(world.effect)),
      csv: () => [
        "specification_curve",
        [
          t("specification"),
          t("place"),
          t("estimate"),
          t("lower"),
          t("upper"),
          t("significant"),
          ...openChoices().map((choice) => called(choice.name)),
          t("controls"),
        ],
        standing().map((d) => [
          numberOf(d.i),
          d.rank + 1,
          d.estimate,
          d.low,
          d.high,
          significant(d.i),
          ...memberSaid(d.i).map((line) => line.split(": ").slice(1).join(": ")),
        ]),
      ],
    },
    {
      key: "about",
      title: () => (current().n ? t("specification_number", count(numberOf(chosenMember()))) : t("nothing")),
      draw: drawMember,
      plain: true,
    },
    {
      key: "entry",
      title: () => t("entry"),
      draw: () => (current().n ? entryBox(memberEntry(chosenMember())) : h("p", {}, t("nothing"))),
      note: () => t(world.standardised ? "entry_note_sd" : "entry_note"),
      plain: true,
    },
  ],
  files: () => [world.file, world.curve],
  shows: (exhibit) => exhibit.files.some((file) => file.startsWith("multiverse/")),
});
