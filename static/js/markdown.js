/* What a model writes, as elements. Text only ever becomes text nodes: no markup of the answer reaches the page, and no image is loaded. */
const FENCE = /^\s{0,3}(```+|~~~+)\s*([\w+-]*)/;
const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/g;

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function link(address, text) {
  const made = element('a', text);
  made.href = address;
  made.rel = 'noopener noreferrer nofollow';
  return made;
}

function inline(text, depth = 0) {
  const found = [];
  let end = 0;
  for (const part of depth > 3 ? [] : text.matchAll(INLINE)) {
    if (part.index > end) found.push(text.slice(end, part.index));
    const [whole, , code, bold, under, italic, words, address, bare] = part;
    if (code !== undefined) found.push(element('code', code));
    else if (bold !== undefined || under !== undefined) found.push(element('strong', ...inline(bold ?? under, depth + 1)));
    else if (italic !== undefined) found.push(element('em', ...inline(italic, depth + 1)));
    else found.push(link(address ?? bare, words ?? bare));
    end = part.index + whole.length;
  }
  if (end < text.length) found.push(text.slice(end));
  return found;
}

function code(lines, name) {
  const body = element('pre', element('code', lines.join('\n')));
  body.tabIndex = 0;
  if (name) body.setAttribute('aria-label', name);
  return body;
}

function table(rows) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());
  const head = element('tr', ...cells(rows[0]).map((cell) => { const made = element('th', ...inline(cell)); made.scope = 'col'; return made; }));
  const body = rows.slice(2).map((row) => element('tr', ...cells(row).map((cell) => element('td', ...inline(cell)))));
  const wrap = element('div', element('table', element('thead', head), element('tbody', ...body)));
  wrap.className = 'table-wrap';
  return wrap;
}

/* Returns the elements of a text in Markdown: headings, lists, quotes, tables, code, emphasis, links. */
export function markdown(text) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const found = [];
  let at = 0;
  const take = (matches) => {
    const taken = [];
    while (at < lines.length && matches(lines[at])) taken.push(lines[at++]);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = line.match(FENCE);
    const head = line.match(/^(#{1,6})\s+(.*)$/);
    const item = line.match(/^\s*([-*+]|\d{1,9}[.)])\s+/);
    if (!line.trim()) { at += 1; continue; }
    if (fence) {
      at += 1;
      found.push(code(take((next) => !next.trim().startsWith(fence[1])), fence[2]));
      at += 1;
    } else if (head) {
      found.push(element('p', element('strong', ...inline(head[2]))));
      at += 1;
    } else if (/^\s*>/.test(line)) {
      found.push(element('blockquote', ...markdown(take((next) => /^\s*>/.test(next)).map((next) => next.replace(/^\s*> ?/, '')).join('\n'))));
    } else if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(line)) {
      found.push(element('hr'));
      at += 1;
    } else if (line.includes('|') && /^[\s|:-]+$/.test(lines[at + 1] || '') && (lines[at + 1] || '').includes('-')) {
      found.push(table(take((next) => next.includes('|'))));
    } else if (item) {
      const ordered = /\d/.test(item[1]);
      const list = element(ordered ? 'ol' : 'ul');
      if (ordered) list.start = Number.parseInt(item[1], 10);
      take((next) => /^\s*([-*+]|\d{1,9}[.)])\s+/.test(next) || /^\s{2,}\S/.test(next)).forEach((next) => {
        const words = next.replace(/^\s*([-*+]|\d{1,9}[.)])\s+/, '');
        if (words === next && list.lastChild) list.lastChild.append(' ', ...inline(next.trim()));
        else list.append(element('li', ...inline(words)));
      });
      found.push(list);
    } else {
      const plain = take((next) => next.trim() && !FENCE.test(next) && !/^\s*([-*+]|\d{1,9}[.)])\s+|^#{1,6}\s|^\s*>/.test(next));
      if (!plain.length) plain.push(lines[at++]);
      const paragraph = element('p');
      plain.forEach((next, number) => paragraph.append(...(number ? [element('br')] : []), ...inline(next)));
      found.push(paragraph);
    }
  }
  return found;
}
