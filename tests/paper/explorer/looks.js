// What the tests ask the page: texts that are too faint or cut off, controls without a name, words that are not Chinese.
const faint = () =>
  (() => {
    const parse = (c) => {
      const [r, g, b, a] = c.match(/[\d.]+/g).map(Number);
      return [r, g, b, a ?? 1];
    };
    const light = ([r, g, b]) =>
      [r, g, b]
        .map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((s, v, k) => s + v * [0.2126, 0.7152, 0.0722][k], 0);
    const behind = (node) => {
      for (let n = node; n; n = n.parentElement) {
        const c = parse(getComputedStyle(n).backgroundColor);
        if (c[3] === 1) return c;
      }
      return [255, 255, 255, 1];
    };
    const found = [],
      walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      const e = node.parentElement,
        box = e.getBoundingClientRect();
      if (
        !node.data.trim() ||
        !box.width ||
        e.closest("script,style,noscript,.unseen,option,title") ||
        getComputedStyle(e).visibility === "hidden"
      )
        continue;
      const style = getComputedStyle(e),
        svg = e.closest("svg"),
        ink = parse(svg ? style.fill : style.color);
      let ground = behind(svg ?? e);
      if (svg) {
        const x = box.x + box.width / 2,
          y = box.y + box.height / 2;
        const tile = [...svg.querySelectorAll("[data-region]")].find((t) => {
          const b = t.getBoundingClientRect();
          return x > b.x && x < b.right && y > b.y && y < b.bottom;
        });
        if (tile) ground = parse(getComputedStyle(tile).fill);
      }
      const [a, b] = [light(ink), light(ground)].sort((p, q) => q - p),
        ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) found.push(`${node.data.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
    }
    return found;
  })();
// Words of a drawing that run out of their card, where nothing can be scrolled to show them.
const cut = () =>
  [...document.querySelectorAll("[data-card] svg text")]
    .filter((n) => {
      const box = n.getBoundingClientRect(),
        card = n.closest("[data-card]").getBoundingClientRect();
      return box.width && (box.right > card.right + 1 || box.left < card.left - 1);
    })
    .map((n) => n.textContent);
const unnamed = () =>
  [...document.querySelectorAll("button, select, input, a, [tabindex], [role=button]")]
    .filter((n) => {
      const label =
        n.getAttribute("aria-label") ||
        n.textContent.trim() ||
        n.closest("label")?.textContent.trim() ||
        n.getAttribute("title");
      return !label;
    })
    .map((n) => n.outerHTML.slice(0, 80));
const latin = () =>
  (() => {
    const said = [],
      walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());)
      if (!node.parentElement.closest("script,style,noscript,pre,footer a")) said.push(node.data);
    document
      .querySelectorAll("[aria-label],[title]")
      .forEach((n) => said.push(n.getAttribute("aria-label") ?? "", n.getAttribute("title") ?? ""));
    return [...new Set(said.join(" ").match(/[A-Za-z_][A-Za-z_.\/]*/g) ?? [])];
  })();
