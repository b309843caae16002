// Copies a table as CSV, Markdown or LaTeX, with full values or as shown.
'use strict';
(() => {
  const clean = (text) => text.replace(/[\u2068\u2069]/g, '').replace(/\s+/g, ' ').trim();

  const full = (holder) => {
    const value = JSON.parse(holder.dataset.value);
    if (typeof value !== 'number') return value === null ? '' : clean(holder.textContent);
    const scale = Number(holder.dataset.scale || 1);
    return String(scale === 1 ? value : Number((value * scale).toPrecision(15)));
  };

  // The text of a cell, without signs and tags that are only for the eye.
  const textOf = (cell, rounded) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll('svg, .tag, .sign').forEach((one) => one.remove());
    copy.querySelectorAll('.u').forEach((one) => { one.textContent = ` (${one.textContent})`; });
    if (!rounded) {
      [copy, ...copy.querySelectorAll('*')].filter((one) => one.matches('[data-value]')).forEach((one) => {
        one.textContent = full(one);
      });
    }
    return clean(copy.textContent);
  };

  const headings = (table) => {
    const lines = [...table.tHead.rows].map((row) => (
      [...row.cells].flatMap((cell) => Array(cell.colSpan).fill(textOf(cell, true)))));
    return lines[lines.length - 1].map((text, place) => clean(lines.map((line) => line[place] || '').join(' ')));
  };

  const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]).concat(
    table.tFoot ? [...table.tFoot.rows] : []);

  const quoted = (text) => {
    const safe = /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };

  // One column for each number of a cell, named by the end of its path: mean, ci_low, ci_high.
  const csv = (table, rounded) => {
    const rows = rowsOf(table).filter((row) => [...row.cells].every((cell) => cell.colSpan === 1));
    const parts = (cell) => [...cell.querySelectorAll('[data-value]')];
    const part = (holder) => (holder.dataset.path || '').split('/').pop();
    const columns = headings(table).map((heading, place) => {
      const names = [...new Set(rows.flatMap((row) => (row.cells[place] ? parts(row.cells[place]).map(part) : [])))];
      return { heading, place, names: names.length > 1 ? names : [''] };
    });
    const head = columns.flatMap(({ heading, names }) => names.map((name) => quoted(clean(`${heading} ${name}`))));
    const lines = rows.map((row) => columns.flatMap(({ place, names }) => names.map((name) => {
      const cell = row.cells[place];
      if (!cell) return '';
      if (!name) return quoted(textOf(cell, rounded).replace(/\u2212/g, '-').replace(/^–$/, ''));
      const holder = parts(cell).find((one) => part(one) === name);
      if (!holder) return '';
      return quoted((rounded ? clean(holder.textContent) : full(holder)).replace(/\u2212/g, '-'));
    })));
    return [head, ...lines].map((line) => line.join(',')).join('\n') + '\n';
  };

  const grid = (table, rounded, escape, bold) => [
    headings(table).map(escape),
    ...rowsOf(table).map((row) => [...row.cells].flatMap((cell) => {
      const text = escape(textOf(cell, rounded));
      return [cell.matches('.best') ? text.replace(/^\S+/, bold) : text, ...Array(cell.colSpan - 1).fill('')];
    })),
  ];

  const markdown = (table, rounded) => {
    const escape = (text) => text.replace(/([\\`*_<>#|~]|\](?=\())/g, '\\$1');
    const [head, ...rows] = grid(table, rounded, escape, (text) => `**${text}**`);
    return [head, head.map(() => '---'), ...rows].map((line) => `| ${line.join(' | ')} |`).join('\n') + '\n';
  };

  const LATEX = {
    '\\': '\\textbackslash{}', '{': '\\{', '}': '\\}', '$': '\\$', '&': '\\&', '#': '\\#', '_': '\\_', '%': '\\%',
    '~': '\\textasciitilde{}', '^': '\\textasciicircum{}', '<': '\\textless{}', '>': '\\textgreater{}',
    '\u2212': '$-$', '–': '--', '↓': '$\\downarrow$', '↑': '$\\uparrow$', '≤': '$\\le$',
  };

  const latex = (table, rounded) => {
    const escape = (text) => text.replace(/[\\{}$&#_%~^<>\u2212–↓↑≤]/g, (letter) => LATEX[letter]);
    const [head, ...rows] = grid(table, rounded, escape, (text) => `\\textbf{${text}}`);
    const line = (cells) => `${cells.join(' & ')} \\\\`;
    return ['% needs \\usepackage{booktabs}', `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`, '\\toprule',
      line(head), '\\midrule', ...rows.map(line), '\\bottomrule', '\\end{tabular}', ''].join('\n');
  };

  const copyText = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      return done;
    }
  };

  const element = (name, text, where) => {
    const made = document.createElement(name);
    made.textContent = text;
    where.append(made);
    return made;
  };

  document.querySelectorAll('main .scroll > table:not(.faces, .plain)').forEach((table) => {
    if (!table.tHead) return;
    const box = document.createElement('details');
    box.className = 'copy';
    element('summary', 'Copy', box);
    const label = document.createElement('label');
    const rounded = document.createElement('input');
    rounded.type = 'checkbox';
    for (const [name, format] of [['CSV', csv], ['Markdown', markdown], ['LaTeX', latex]]) {
      const button = element('button', name, box);
      button.type = 'button';
      button.addEventListener('click', async () => {
        const done = await copyText(format(table, rounded.checked));
        status.textContent = done ? `${name} copied` : 'The browser does not allow it';
      });
    }
    label.append(rounded, ' as shown (rounded)');
    box.append(label);
    const status = element('span', '', box);
    status.setAttribute('role', 'status');
    table.closest('.scroll').after(box);
  });
})();
