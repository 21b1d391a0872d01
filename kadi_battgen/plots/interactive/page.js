// Tables: a button in each head sorts, a field above filters the rows.
const collator = new Intl.Collator("en", { numeric: true });
for (const holder of document.querySelectorAll("[data-sortable]")) {
  const table = holder.querySelector("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  heads.forEach((head, column) => {
    const label = head.querySelector("span");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...label.childNodes);
    label.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const numeric = rows.some((row) => "value" in row.cells[column].dataset);
      const order = [...rows].sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        const empty = (x === "" || x === "–") - (y === "" || y === "–");
        if (empty) return empty; // unknown values come last in both directions
        const difference = numeric ? Number(x) - Number(y) : collator.compare(x, y);
        return descending ? -difference : difference;
      });
      body.append(...order);
    });
  });
  const field = holder.querySelector("input[type=search]");
  const count = holder.querySelector("output");
  holder.querySelector(".filter").hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
}
// Widgets: built from the data beside them; the still figure stays for print.
for (const root of document.querySelectorAll("[data-widget]")) {
  const data = JSON.parse(root.querySelector("script").textContent);
  const live = root.querySelector(".live");
  widgets[root.dataset.widget](live, data, root);
  live.hidden = false;
  root.classList.add("running");
}
