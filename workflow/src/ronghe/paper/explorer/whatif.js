// What if: one region's treatment moves by so many within-SDs; predicted outcome there and next door, with intervals.
const moved = () => {
  const fit = spillOf(state.fit);
  return (fit.sd ?? 1) * state.change;
};
function consequences() {
  const fit = spillOf(state.fit),
    dx = moved();
  const rows = receipts(fit, state.region),
    near = d3
      .sort(
        rows.filter((d) => d.near && !d.home),
        (d) => -Math.abs(d.estimate),
      )
      .slice(0, 11);
  return [rows.find((d) => d.home), ...near].map((d) => {
    const now = fit.level?.[d.k] ?? null,
      change = d.estimate * dx,
      half = Math.abs(d.half * dx);
    const then = now === null ? null : now + change;
    return {
      ...d,
      now,
      then,
      change,
      half,
      estimate: change,
      name: [
        regionName(d.region),
        d.home ? `(${t("itself")})` : "",
        now === null ? "" : `${number(now)} → ${number(then)}`,
      ]
        .filter(Boolean)
        .join(" "),
    };
  });
}
const leaves = (d) => d.change - d.half > 0 || d.change + d.half < 0;
function drawConsequences(width, height) {
  const rows = consequences();
  return whiskers(width, Math.min(height, rows.length * 40 + 40), rows, t("view_whatif"));
}
function drawWords() {
  const fit = spillOf(state.fit),
    [home, ...near] = consequences(),
    outcome = called(fit.outcome),
    year = years.at(-1);
  const line = (d) => `${signed(d.change)} [${signed(d.change - d.half)}, ${signed(d.change + d.half)}]`;
  const sum = fit.units.given,
    k = placeIn(fit, state.region),
    dx = moved(),
    given = sum[0][k] * dx,
    half = Math.abs(sum[1][k] * dx);
  return h(
    "div",
    {},
    h(
      "p",
      { class: "big" },
      t(
        "if_said",
        regionName(regionOf(state.region)),
        called(fit.treatment),
        signed(moved()),
        fit.sd === null ? t("units") : t("sds", signed(state.change, 1)),
      ),
    ),
    facts([
      [t("at_home"), levels(home) + line(home)],
      ...(near.length ? [[t("next_door_most", regionName(near[0].region)), levels(near[0]) + line(near[0])]] : []),
      [t("to_all_others"), line({ change: given, half })],
      [t("inference"), text(fit.inference)],
      [t("within_sd"), number(fit.sd, 4)],
    ]),
    h("p", {}, t(leaves(home) || near.some(leaves) ? "some_clear" : "none_clear")),
    h(
      "ul",
      { class: "says" },
      ["says_association", "says_linear", "says_equilibrium", "says_interval"].map((key) =>
        h("li", {}, t(key, outcome, year)),
      ),
    ),
  );
}
const levels = (d) => (d.now === null ? "" : `${number(d.now)} → ${number(d.then)}: `);
const signed = (x, digits = 3) => (x > 0 ? `+${number(x, digits)}` : number(x, digits));

views.push({
  key: "whatif",
  start: () => ({ fit: startSpill()?.name, region: spills.length ? regionAt(startSpill(), 0).key : "", change: 1 }),
  mend() {
    mendSpill();
    if (!(Math.abs(state.change) <= 2)) state.change = 1;
  },
  absent: () => (spills.length ? null : "absent_spread"),
  controls: () => [
    ...spillControls(),
    slide("change", t("change"), -2, 2, 0.1, (x) =>
      spillOf(state.fit).sd === null ? signed(x, 1) : t("sds", signed(x, 1)),
    ),
  ],
  cards: [
    {
      key: "map",
      title: () => t("change_by_region", called(spillOf(state.fit).outcome)),
      draw: (width, height) => drawSpillMap(width, height, moved()),
      csv: () => [
        `what_if_map_${state.region}`,
        [t("region"), t("change"), t("lower"), t("upper")],
        receipts(spillOf(state.fit), state.region).map((d) => {
          const half = Math.abs(d.half * moved());
          return [regionName(d.region), d.estimate * moved(), d.estimate * moved() - half, d.estimate * moved() + half];
        }),
      ],
    },
    {
      key: "chart",
      title: () => t("predicted", called(spillOf(state.fit).outcome), years.at(-1)),
      draw: drawConsequences,
      note: () => t(spillOf(state.fit).level ? "whatif_note" : "whatif_note_change"),
      csv: () => [
        `what_if_${state.region}`,
        [t("region"), t("observed"), t("predicted_value"), t("change"), t("lower"), t("upper")],
        consequences().map((d) => [
          regionName(d.region),
          d.now,
          d.then,
          d.change,
          d.change - d.half,
          d.change + d.half,
        ]),
      ],
    },
    { key: "says", title: () => t("says"), draw: drawWords, plain: true },
  ],
  files: () => [spillOf(state.fit).file],
  shows: (exhibit) => exhibit.specifications.includes(state.fit),
});
