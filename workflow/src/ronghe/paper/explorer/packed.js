// The members of the multiverse, unpacked: every count and share on the page is taken over all that it holds.
const world = data.multiverse;
const members =
  world &&
  (() => {
    const bytes = (packed) => Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
    const n = world.members,
      fives = bytes(world.states),
      low = bytes(world.estimates),
      pairs = bytes(world.errors);
    const stepOf = (k) => low[2 * k] | (low[2 * k + 1] << 8);
    const sizeOf = (k) => {
      const at = 3 * (k >> 1);
      return k & 1 ? (pairs[at + 1] >> 4) | (pairs[at + 2] << 4) : pairs[at] | ((pairs[at + 1] & 15) << 8);
    };
    const estimate = new Float64Array(n).fill(NaN),
      error = new Float64Array(n).fill(NaN),
      state = new Uint8Array(n),
      cell = new Uint32Array(n),
      bits = new Uint32Array(n),
      number = new Uint32Array(n);
    const [scale, largest] = world.scale;
    let k = 0,
      held = 0;
    world.cells.forEach((run, place) => {
      world.lists[run.at(-1)].forEach((controls, within) => {
        cell[k] = place;
        bits[k] = controls;
        number[k] = run.at(-2) + within;
        state[k] = Math.floor(fives[Math.floor(k / 3)] / [1, 5, 25][k % 3]) % 5;
        // Which members come with estimate and error follows from their numbers alone.
        if (Math.imul(number[k], 2654435769) >>> 0 < world.below) {
          const step = stepOf(held),
            size = sizeOf(held++);
          if (step) estimate[k] = scale * Math.sinh(((step - 32768) / 32000) * largest);
          if (size) error[k] = Math.exp(world.book[size - 1]);
        }
        k++;
      });
    });
    const sorted = Uint32Array.from({ length: n }, (_, i) => i)
      .filter((i) => !Number.isNaN(estimate[i]))
      .sort((a, b) => estimate[a] - estimate[b] || a - b);
    return { n, estimate, error, state, cell, bits, number, sorted };
  })();
const levelKey = (choice, level) => `${choice}/${level}`;
const varies = (k) => world.choices[k].levels.length > 1;
// A level that every combination with it excludes is in no run.
const stands = (k, place) => world.cells.some((run) => run[k] === place);
const runOf = (member) => world.cells[members.cell[member]];
const half = (member) => (world.critical[members.cell[member]] ?? 1.96) * members.error[member];
const numberOf = (member) => members.number[member];
const significant = (member) => members.state[member] > 0 && members.state[member] % 2 === 0;
// Which members the filters leave: levels of choices by `choice`, controls in or out by bits.
function filtered(levels, must, barred) {
  const right = world.cells.map((run) =>
    world.choices.every((choice, k) => !levels[choice.key] || choice.levels[run[k]] === levels[choice.key]),
  );
  const kept = (i) => right[members.cell[i]] && (members.bits[i] & must) === must && !(members.bits[i] & barred);
  const found = members.sorted.filter(kept);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < members.n; i++) if (kept(i)) counts[members.state[i]]++;
  const [refused, , down, , up] = counts,
    able = d3.sum(counts) - refused,
    positive = counts[3] + counts[4];
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
    able,
    refused,
    positive: positive / able,
    up: up / able,
    down: down / able,
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
            stands: stands(k, place),
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
  const drawn = rows.map((row, r) => ({
    ...row,
    share: Array.from(counts[r], (c, bin) => c / totals[bin]),
    whole: d3.sum(counts[r]) / found.length,
  }));
  return drawn.filter((row) => row.stands !== false);
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
