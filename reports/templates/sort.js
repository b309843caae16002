// Sortable tables: a button in each heading; by data-value, stable, absent values last, a third press restores the order.
'use strict';
(() => {
  const collator = new Intl.Collator('en', { numeric: true });

  const valueOf = (cell) => {
    const holder = cell.matches('[data-value]') ? cell : cell.querySelector('[data-value]');
    const value = holder ? JSON.parse(holder.dataset.value) : cell.textContent.trim();
    return value === '' || value === '–' ? null : Array.isArray(value) ? value.join(' ') : value;
  };

  const compare = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
    return collator.compare(String(a), String(b));
  };

  const sort = (rows, column, direction) => rows
    .map((row) => ({ row, value: valueOf(row.cells[column]) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      return direction * compare(a.value, b.value);
    })
    .map(({ row }) => row);

  const fits = (table, count) => [...table.tBodies].every((body) => [...body.rows].every((row) => (
    row.cells.length === count && [...row.cells].every((cell) => cell.colSpan === 1 && cell.rowSpan === 1))));

  const press = (table, bodies, headings, column) => {
    const heading = headings[column], now = heading.getAttribute('aria-sort');
    const first = heading.textContent.includes('↑') ? 'descending' : 'ascending';
    const second = first === 'ascending' ? 'descending' : 'ascending';
    const next = now === first ? second : now === second ? 'none' : first;
    headings.forEach((other) => other.hasAttribute('aria-sort') && other.setAttribute('aria-sort', 'none'));
    heading.setAttribute('aria-sort', next);
    bodies.forEach(({ body, rows }) => {
      const sorted = next === 'none' ? rows : sort(rows, column, next === 'ascending' ? 1 : -1);
      body.append(...sorted);
    });
  };

  const prepare = (table) => {
    const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const bodies = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
    if (!bodies.some(({ rows }) => rows.length > 1) || !fits(table, headings.length)) return;
    headings.forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'sort';
      button.append(...heading.childNodes);
      button.addEventListener('click', () => press(table, bodies, headings, column));
      heading.append(button);
      heading.setAttribute('aria-sort', 'none');
    });
  };

  document.querySelectorAll('main table:not(.props, .faces, .plain)').forEach((table) => table.tHead && prepare(table));
})();
