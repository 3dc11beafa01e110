// Puts a view together: head, tabs, controls, cards, links; draws again when state, window or theme changes.
const theme = () =>
  state.theme === "auto" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : state.theme;
let shown = [];

function drawHead() {
  document.getElementById("head").replaceChildren(
    h("h1", {}, t("title")),
    h("p", {}, t("source", ...["panel", "code", "data", "seed"].map((key) => data.facts[key] ?? "\u2013"))),
    h(
      "button",
      {
        type: "button",
        "data-key": "lang",
        lang: state.lang === "zh" ? "en" : "zh",
        onclick: () => go({ lang: data.languages[(place() + 1) % data.languages.length] }),
      },
      t("other_language"),
    ),
    h(
      "button",
      { type: "button", "data-key": "theme", onclick: () => go({ theme: theme() === "dark" ? "light" : "dark" }) },
      t(theme() === "dark" ? "light" : "dark"),
    ),
  );
}
function drawTabs() {
  const tabs = views.map((view) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${view.key}`,
        "data-key": `tab-${view.key}`,
        "aria-selected": view.key === state.view,
        "aria-controls": "view",
        tabindex: view.key === state.view ? 0 : -1,
        "data-absent": Boolean(view.absent()),
        onclick: () => open(view.key),
        onkeydown: (event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key],
            at = views.indexOf(view);
          const next = step
            ? views[(at + step + views.length) % views.length]
            : event.key === "Home"
              ? views[0]
              : event.key === "End"
                ? views.at(-1)
                : null;
          if (next) {
            event.preventDefault();
            open(next.key);
            document.getElementById(`tab-${next.key}`).focus();
          }
        },
      },
      t(`view_${view.key}`),
    ),
  );
  document.getElementById("tabs").replaceChildren(...tabs);
  document.getElementById("tabs").setAttribute("aria-label", t("views"));
  document.getElementById(`tab-${state.view}`).scrollIntoView({ block: "nearest", inline: "nearest" });
}
function open(key) {
  const kept = { lang: state.lang, theme: state.theme, region: state.region, fit: state.fit };
  for (const name of Object.keys(state)) delete state[name];
  Object.assign(state, { lang: kept.lang, theme: kept.theme, view: key }, viewOf(key).start());
  // A region that was being looked at stays the one that is looked at.
  if ("region" in state && kept.region) state.region = kept.region;
  viewOf(key).mend();
  writeAddress();
  build();
}
function go(changes) {
  Object.assign(state, changes);
  writeAddress();
  build();
}

function button(label, says, act, key) {
  return h("button", { type: "button", "aria-label": says, title: says, "data-key": key, onclick: act }, label);
}
function card(spec) {
  const head = h("h2", {}),
    body = h("div", {
      class: "body",
      "data-body": spec.key,
      tabindex: spec.plain ? 0 : null,
      role: spec.plain ? "region" : null,
    }),
    note = h("p", { class: "note" });
  const csv =
    spec.csv &&
    button(
      "CSV",
      "",
      () => {
        const [name, header, rows] = spec.csv();
        save(`${name}.csv`, "text/csv", csvText(header, rows));
      },
      `csv-${spec.key}`,
    );
  const svg =
    !spec.plain &&
    button(
      "SVG",
      "",
      () => {
        const drawing = svgText(body);
        if (drawing) save(`${spec.key}.svg`, "image/svg+xml", drawing);
      },
      `svg-${spec.key}`,
    );
  const node = h(
    "section",
    {
      class: `card${spec.plain ? "" : " drawn"}`,
      "data-card": spec.key,
      style: spec.within ? null : `grid-area: ${spec.key}`,
    },
    h("div", { class: "top" }, head, csv || null, svg || null),
    body,
    note,
  );
  const heading = () => {
    const title = spec.title();
    head.textContent = title;
    if (spec.plain) body.setAttribute("aria-label", title);
    for (const [control, word] of [
      [csv, "download_csv"],
      [svg, "download_svg"],
    ])
      if (control) {
        control.setAttribute("aria-label", `${t(word)}: ${title}`);
        control.title = t(word);
      }
    note.textContent = spec.note?.() ?? "";
    note.hidden = !note.textContent;
  };
  const draw = () => {
    const scrolled = body.scrollTop;
    body.replaceChildren();
    const style = getComputedStyle(body),
      wide = body.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    body.replaceChildren(spec.draw(wide, body.clientHeight - 8));
    body.scrollTop = scrolled;
  };
  return { node, draw, head: heading };
}
function drawFoot(view) {
  const link = (href, label) => h("a", { href }, label);
  const files = [...new Set(view.files().filter(Boolean))],
    exhibits = d3.sort(
      data.exhibits.filter((exhibit) => view.shows(exhibit)),
      (exhibit) => (exhibit.key.startsWith("figures/") ? 0 : 100) + exhibit.variables.length,
    );
  const named = (exhibit) => link(exhibit.file, text(exhibit.caption) || exhibit.key);
  document
    .getElementById("foot")
    .replaceChildren(
      h(
        "span",
        { class: "links" },
        `${t("exhibits")}: `,
        exhibits.length ? exhibits.slice(0, 2).map(named) : t("none"),
        exhibits.length > 2
          ? h(
              "details",
              {},
              h("summary", { "data-key": "more" }, t("more", exhibits.length - 2)),
              h("div", {}, exhibits.slice(2).map(named)),
            )
          : null,
      ),
      h(
        "span",
        { class: "links" },
        `${t("files")}: `,
        files.length
          ? files.map((file) =>
              file.startsWith("./")
                ? link(file, file.slice(2))
                : link(`${data.root}/${file}`, file.split("/").slice(2).join("/")),
            )
          : t("none"),
      ),
    );
}

function build() {
  const view = viewOf(state.view),
    main = document.getElementById("view");
  root.lang = state.lang;
  root.dataset.theme = theme();
  document.title = `${t(`view_${view.key}`)} · ${t("title")}`;
  holdingFocus(() => {
    drawHead();
    drawTabs();
    main.setAttribute("aria-labelledby", `tab-${view.key}`);
    const absent = view.absent();
    if (absent) {
      main.replaceChildren(
        h("div", { class: "absent" }, h("p", {}, h("b", {}, t(`view_${view.key}`))), h("p", {}, t(absent))),
      );
      document.getElementById("foot").replaceChildren();
      shown = [];
      return;
    }
    const controls = view.controls().filter(Boolean),
      cards = view.cards.map(card),
      notes = h("p", { class: "question" });
    const panes = h("div", { class: `panes ${view.key}` }),
      pair = h("div", { class: "pair" });
    view.cards.forEach((spec, k) => (spec.within ? pair : panes).append(cards[k].node));
    if (pair.childElementCount) panes.append(pair);
    main.replaceChildren(
      h("div", { class: `lead lead-${view.key}` }, notes, h("div", { class: "controls" }, controls)),
      panes,
    );
    const asked = () =>
      notes.replaceChildren(h("b", {}, t(`asks_${view.key}`)), " ", (view.notes?.() ?? []).filter(Boolean).join(" "));
    // Texts first, then drawings, which fill what room the texts leave.
    shown = [
      ...controls,
      { sync: asked },
      { sync: () => drawFoot(view) },
      ...cards.map((c) => ({ sync: c.head })),
      ...cards.map((c) => ({ sync: c.draw })),
    ];
    draw();
  });
}
const draw = () => shown.forEach((part) => part.sync?.());
// What had the keyboard's focus has it again after its element was drawn anew.
function holdingFocus(change) {
  const key = document.activeElement?.dataset?.key;
  change();
  if (key && !document.activeElement?.dataset?.key) document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
function refresh() {
  holdingFocus(draw);
}

let waiting = null;
const soon = (act) => () => {
  clearTimeout(waiting);
  waiting = setTimeout(act, 120);
};
addEventListener("resize", soon(refresh));
addEventListener("beforeprint", () => {
  root.dataset.theme = "light";
  draw();
});
addEventListener("afterprint", () => {
  root.dataset.theme = theme();
  draw();
});
addEventListener("hashchange", () => {
  readAddress();
  build();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
readAddress();
build();
