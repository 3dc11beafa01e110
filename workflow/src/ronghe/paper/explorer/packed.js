// The members of the multiverse, unpacked: every count and share on the page is taken over all that it holds.
const world = data.multiverse;
const members =
  world &&
  (() => {
    const bytes = (packed) => Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
    const n = world.held,
      low = bytes(world.estimates),
      pairs = bytes(world.errors);
    const stepOf = (k) => low[2 * k] | (low[2 * k + 1] << 8);
    const markOf = (k) => {
      const at = 3 * (k >> 1);
      return k & 1 ? (pairs[at + 1] >> 4) | (pairs[at + 2] << 4) : pairs[at] | ((pairs[at + 1] & 15) << 8);
    };
    const estimate = new Float64Array(n),
      error = new Float64Array(n),
      significant = new Uint8Array(n),
      cell = new Uint32Array(n),
      bits = new Uint32Array(n);
    const [scale, largest] = world.scale;
    let k = 0;
    world.cells.forEach((run, place) => {
      for (const controls of world.lists[run.at(-1)]) {
        const step = stepOf(k),
          mark = markOf(k),
          size = mark & 2047;
        estimate[k] = step ? scale * Math.sinh(((step - 32768) / 32000) * largest) : NaN;
        error[k] = size ? Math.exp(world.book[size - 1]) : NaN;
        significant[k] = mark >> 11;
        cell[k] = place;
        bits[k++] = controls;
      }
    });
    const sorted = Uint32Array.from({ length: n }, (_, i) => i)
      .filter((i) => !Number.isNaN(estimate[i]))
      .sort((a, b) => estimate[a] - estimate[b] || a - b);
    return { n, estimate, error, significant, cell, bits, sorted };
  })();
const levelKey = (choice, level) => `${choice}/${level}`;
const varies = (k) => world.choices[k].levels.length > 1;
const runOf = (member) => world.cells[members.cell[member]];
const half = (member) => (world.critical[members.cell[member]] ?? 1.96) * members.error[member];
function numberOf(member) {
  const run = runOf(member),
    within = world.lists[run.at(-1)].indexOf(members.bits[member]);
  return run.at(-2) + (world.offsets ? world.offsets[members.cell[member]][within] : within);
}
// Which members the filters leave: levels of choices by `choice`, controls in or out by bits.
function filtered(levels, must, barred) {
  const right = world.cells.map((run) =>
    world.choices.every((choice, k) => !levels[choice.key] || choice.levels[run[k]] === levels[choice.key]),
  );
  const kept = (i) => right[members.cell[i]] && (members.bits[i] & must) === must && !(members.bits[i] & barred);
  const found = members.sorted.filter(kept);
  let all = 0,
    positive = 0,
    up = 0,
    down = 0;
  for (let i = 0; i < members.n; i++) if (kept(i)) all++;
  for (const i of found) {
    if (members.estimate[i] > 0) {
      positive++;
      up += members.significant[i];
    } else down += members.significant[i];
  }
  const n = found.length,
    quantile = (q) => {
      const at = q * (n - 1),
        low = Math.floor(at),
        value = (k) => members.estimate[found[Math.min(n - 1, k)]];
      return n ? value(low) + (at - low) * (value(low + 1) - value(low)) : NaN;
    };
  return {
    found,
    n,
    refused: all - n,
    positive: positive / n,
    up: up / n,
    down: down / n,
    median: quantile(0.5),
    lower: quantile(0.25),
    upper: quantile(0.75),
  };
}
// How often each level stands in each of `bins` stretches of the sorted curve, relative to the whole of it.
function shares(found, bins) {
  const rows = world.choices
    .flatMap((choice, k) =>
      varies(k)
        ? choice.levels.map((level, place) => ({
            group: choice.key,
            name: called(choice.name),
            level: called(levelKey(choice.key, level)),
            at: k,
            place,
          }))
        : [],
    )
    .concat(
      world.controls.map((control, k) => ({
        group: "control",
        name: t("controls"),
        level: called(control),
        bit: 1 << k,
      })),
    );
  const counts = rows.map(() => new Uint32Array(bins)),
    totals = new Uint32Array(bins),
    first = new Map();
  rows.forEach((row, r) => {
    if (row.bit === undefined && !first.has(row.at)) first.set(row.at, r);
  });
  found.forEach((i, rank) => {
    const bin = Math.floor((rank * bins) / found.length),
      run = runOf(i);
    totals[bin]++;
    for (const [choice, r] of first) counts[r + run[choice]][bin]++;
    rows.forEach((row, r) => {
      if (row.bit !== undefined && members.bits[i] & row.bit) counts[r][bin]++;
    });
  });
  return rows.map((row, r) => ({
    ...row,
    share: Array.from(counts[r], (c, bin) => c / totals[bin]),
    whole: d3.sum(counts[r]) / found.length,
  }));
}
// The entry of config/specifications.yaml that estimates a member, without the scaling to standard deviations.
function memberEntry(member) {
  const run = runOf(member),
    level = Object.fromEntries(world.choices.map((choice, k) => [choice.key, choice.levels[run[k]]]));
  const controls = [...world.always, ...world.controls.filter((_, k) => members.bits[member] & (1 << k))].map(
    (key) => world.terms[key],
  );
  const spatial = level.weights !== "none";
  const lines = [
    `multiverse_${numberOf(member)}:`,
    `  kind: ${spatial ? "spatial" : "fixed_effects"}`,
    `  outcome: ${world.terms[level.outcome]}`,
    `  treatment: ${world.terms[level.treatment]}`,
    `  controls: [${controls.join(", ")}]`,
    spatial ? `  weights: ${level.weights}` : null,
    spatial ? `  model: ${level.model}` : null,
    spatial ? `  method: ${world.method}` : null,
    `  effects: ${level.fixed_effects}`,
    level.sample === "all" ? null : `  sample: ${level.sample}`,
    Number(level.winsorise) ? `  winsorise: ${level.winsorise}` : null,
    ...(level.covariance === "expected"
      ? [`  covariance: ${spatial ? "expected" : "homoskedastic"}`]
      : ["  covariance: clustered", "  cluster: units", `  small_sample: ${level.covariance}`]),
  ];
  return lines.filter(Boolean).join("\n") + "\n";
}
