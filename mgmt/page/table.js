// table.js — a list of any length: only the rows that are in sight are in the document, each is kept as long as
// its key is in sight, and a cell is touched only when it says something else. WAI-ARIA 1.2 grid.
import { make, onceAFrame, replace, setText } from './dom.js';

const BEYOND = 8; // rows that are ready above and below what is seen
const phone = matchMedia('(max-width: 720px)');
let made = 0;

const ORDER = new Intl.Collator('en', { numeric: true });
const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : ORDER.compare(a, b));

// A column: name; text(row); value(row) to sort by (the text, if there is none); tone(row) a class; title(row);
// width as in grid-template-columns; align 'end'; phone: its place on a phone, 1 and 2 above, 3 and 4 below; say: a word before it there;
// act {label(row), run(row)}: a button in place of the text.
export class LiveTable {
  // open(row): what a row leads to.
  constructor({ label, columns, key, open, empty }) {
    Object.assign(this, { columns, key, open, emptyWords: empty });
    this.id = `table${(made += 1)}`;
    this.all = [];
    this.rows = [];
    this.drawn = new Map(); // key -> what is in the document
    this.sorted = null; // {column, down}
    this.active = -1;
    this.filter = null;
    this.build(label);
    this.draw = onceAFrame(() => this.drawRows());
    this.body.addEventListener('scroll', this.draw, { passive: true });
    this.body.addEventListener('keydown', (event) => this.onKey(event));
    this.body.addEventListener('click', (event) => this.onClick(event));
    this.sizes = new ResizeObserver(this.draw);
    this.sizes.observe(this.body);
    this.onPhone = () => {
      this.drawn.forEach(({ node }) => node.remove());
      this.drawn.clear();
      this.draw();
    };
    phone.addEventListener('change', this.onPhone);
  }

  build(label) {
    this.heads = this.columns.map((column) => {
      const head = make('div', { role: 'columnheader', class: `cell ${column.align ?? ''}` });
      if (column.act) head.append(make('span', { class: 'hidden' }, column.name));
      else head.append(make('button', { type: 'button', onclick: () => this.sortBy(column) }, column.name));
      return head;
    });
    this.head = make('div', { role: 'row', class: 'row head' }, this.heads);
    this.space = make('div', { class: 'space', role: 'presentation' });
    this.none = make('p', { class: 'empty' });
    this.body = make('div', { class: 'rows', role: 'rowgroup', tabindex: '0', 'aria-label': label }, this.space, this.none);
    this.element = make('div', { class: 'table', role: 'grid', 'aria-label': label }, this.head, this.body);
    const widths = this.columns.map((column) => column.width ?? 'minmax(0, 1fr)').join(' ');
    this.element.style.setProperty('--columns', widths);
  }

  close() {
    this.sizes.disconnect();
    phone.removeEventListener('change', this.onPhone);
  }

  set(rows) {
    this.all = rows;
    this.arrange();
  }

  // test(row): whether it is shown; null: all are.
  show(test) {
    this.filter = test;
    this.arrange();
  }

  sortBy(column) {
    const again = this.sorted?.column === column;
    this.sorted = again && this.sorted.down ? null : { column, down: again };
    this.heads.forEach((head, i) => {
      const is = this.sorted?.column === this.columns[i];
      if (is) head.setAttribute('aria-sort', this.sorted.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    this.arrange();
  }

  arrange() {
    const chosen = this.active < 0 ? null : this.keyAt(this.active);
    let rows = this.filter ? this.all.filter(this.filter) : this.all;
    if (this.sorted) {
      const { column, down } = this.sorted;
      const value = column.value ?? column.text;
      const valued = rows.map((row) => [value(row) ?? '', row]);
      valued.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      rows = valued.map(([, row]) => row);
    }
    this.rows = rows;
    this.active = chosen === null ? -1 : rows.findIndex((row) => this.key(row) === chosen);
    this.element.setAttribute('aria-rowcount', String(rows.length + 1));
    this.draw();
  }

  keyAt(index) {
    const row = this.rows[index];
    return row === undefined ? null : this.key(row);
  }

  rowHeight() {
    return phone.matches ? 56 : 30;
  }

  drawRows() {
    const height = this.rowHeight();
    const total = this.rows.length * height;
    if (this.total !== total) this.space.style.height = `${(this.total = total)}px`;
    // The scroll bar takes its room from the rows alone.
    this.head.style.marginInlineEnd = `${this.body.offsetWidth - this.body.clientWidth}px`;
    replace(this.none, this.rows.length ? null : this.emptyWords());
    this.none.hidden = this.rows.length !== 0;
    const first = Math.max(0, Math.floor(this.body.scrollTop / height) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((this.body.scrollTop + this.body.clientHeight) / height) + BEYOND);
    const wanted = new Set();
    for (let i = first; i < last; i += 1) wanted.add(this.key(this.rows[i]));
    for (const [key, one] of this.drawn) {
      if (wanted.has(key)) continue;
      one.node.remove();
      this.drawn.delete(key);
    }
    for (let i = first; i < last; i += 1) this.drawRow(i, i * height);
    const active = this.drawn.get(this.keyAt(this.active));
    if (active) this.body.setAttribute('aria-activedescendant', active.node.id);
    else this.body.removeAttribute('aria-activedescendant');
  }

  drawRow(index, top) {
    const row = this.rows[index];
    const key = this.key(row);
    let one = this.drawn.get(key);
    if (!one) this.drawn.set(key, (one = this.makeRow(key)));
    one.row = row;
    if (one.top !== top) one.node.style.transform = `translateY(${(one.top = top)}px)`;
    if (one.index !== index) one.node.setAttribute('aria-rowindex', String((one.index = index) + 2));
    const isActive = index === this.active;
    if (one.isActive !== isActive) {
      one.isActive = isActive;
      one.node.classList.toggle('active', isActive);
      one.node.setAttribute('aria-selected', String(isActive));
    }
    this.columns.forEach((column, i) => this.drawCell(one.cells[i], column, row));
  }

  makeRow(key) {
    made += 1;
    const cells = this.columns.map((column) => {
      const kind = `cell ${column.align ?? ''} ${column.phone ? `onphone p${column.phone}` : ''}`;
      const inner = make(column.act ? 'button' : 'span', column.act ? { type: 'button', tabindex: '-1' } : {});
      return { node: make('div', { role: 'gridcell', class: kind, 'data-say': column.say }, inner), inner, tone: '', title: '' };
    });
    const node = make('div', { role: 'row', class: 'row', id: `${this.id}-${made}` }, cells.map((cell) => cell.node));
    node.dataset.key = key;
    this.space.append(node);
    return { node, cells, top: -1, index: -1, isActive: false };
  }

  drawCell(cell, column, row) {
    setText(cell.inner, column.act ? column.act.label(row) : column.text(row));
    const tone = column.tone?.(row) ?? '';
    if (tone !== cell.tone) cell.inner.className = cell.tone = tone;
    const title = column.title?.(row) ?? '';
    if (title !== cell.title) cell.inner.title = cell.title = title;
  }

  onClick(event) {
    const node = event.target.closest('.row');
    const one = node && this.drawn.get(node.dataset.key);
    if (!one || getSelection()?.toString()) return;
    const cell = one.cells.findIndex(({ inner }) => inner === event.target);
    const act = cell < 0 ? null : this.columns[cell].act;
    this.active = one.index;
    if (act) act.run(one.row);
    else this.open?.(one.row);
    this.draw();
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.rowHeight()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.goTo(this.active + steps[event.key]);
    else if (event.key === 'Enter' && this.rows[this.active]) this.open?.(this.rows[this.active]);
    else if (event.key === 'Delete' && this.rows[this.active])
      this.columns.find((column) => column.act)?.act.run(this.rows[this.active]);
    else return;
    event.preventDefault();
  }

  goTo(index) {
    this.active = Math.min(this.rows.length - 1, Math.max(0, index));
    const height = this.rowHeight();
    const top = this.active * height;
    const below = top + height - this.body.clientHeight;
    if (this.body.scrollTop > top) this.body.scrollTop = top;
    else if (this.body.scrollTop < below) this.body.scrollTop = below;
    this.draw();
  }
}
