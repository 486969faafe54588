// Everything that comes from a process is put in as text, never as markup.
"use strict";
const Tables = (() => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];

  function size(bytes) {
    let value = bytes, unit = 0;
    while (Math.abs(value) >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
    return `${value.toFixed(unit ? 1 : 0)} ${units[unit]}`;
  }

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = String(text);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function verdictClass(name) {
    return /^[a-zA-Z-]+$/.test(name) ? name : "";
  }

  // columns: [title, row => text, class]
  function fill(table, columns, rows, empty, onChoose) {
    table.replaceChildren();
    if (!rows.length) {
      table.append(element("caption", empty, { class: "empty" }));
      return;
    }
    const head = element("tr");
    for (const [title, , kind] of columns) head.append(element("th", title, { scope: "col", class: kind || "" }));
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      for (const [, text, kind] of columns) {
        const value = text(row);
        const name = kind === "verdict" ? verdictClass(value) : kind || "";
        line.append(element("td", value, { class: name }));
      }
      if (onChoose) {
        line.setAttribute("tabindex", "0");
        line.addEventListener("click", () => onChoose(row));
        line.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onChoose(row); }
        });
      }
      body.append(line);
    }
    table.append(top, body);
  }

  function pairs(list, rows) {
    list.replaceChildren();
    for (const [name, value, kind] of rows) {
      list.append(element("dt", name), element("dd", value, { class: kind || "" }));
    }
  }

  return { size, element, fill, pairs, verdictClass };
})();
