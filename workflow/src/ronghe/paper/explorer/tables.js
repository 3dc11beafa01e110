// Every table of the paper, as it is printed.
const tableOf = () => data.tables.find((table) => table.name === state.table) ?? data.tables[0];
views.push({
  key: "tables",
  start: () => ({ table: data.tables[0]?.name }),
  mend() {
    state.table = tableOf()?.name;
  },
  absent: () => (data.tables.length ? null : "absent_tables"),
  notes: () => [state.lang === data.language ? null : t("table_language")],
  controls: () => [
    choose("table", t("table"), () => data.tables.map((table) => [table.name, text(table.caption)]), "wide"),
  ],
  cards: [
    {
      key: "table",
      title: () => text(tableOf().caption),
      draw: () => grid(tableOf().header, tableOf().rows),
      note: () => text(tableOf().notes),
      plain: true,
      csv: () => [tableOf().name, tableOf().header, tableOf().rows],
    },
  ],
  files: () => [`./tables/${state.table}.csv`],
  shows: (exhibit) => exhibit.key === `tables/${state.table}`,
});
