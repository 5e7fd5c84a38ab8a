// ladder.js — the messages of a call between its lifelines: caller, node, callees. RFC 3261 §4, Figure 1.
import { draw, make, replace, setText, visible, visibleLines } from './dom.js';
import { fixed, text, time, utc } from './format.js';

const STEP = 30; // from one message to the next
const HEAD = 52;
const EDGE = 58; // beside the outermost lifelines; the times stand in the left one
const GAP_LEAST = 112;
const GAP_MOST = 260;
const LETTER = 6.7; // width of one, about

const shortened = (words, width) => {
  const plain = visible(words);
  const most = Math.max(4, Math.floor(width / LETTER));
  return plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`;
};

// What an arrow says: "INVITE SDP", "180 Ringing", "200 OK (BYE)".
export function labelOf(message) {
  let words = text(message.method);
  if (message.status !== null) {
    words = `${message.status} ${message.reason ?? ''}`.trim();
    if (message.method && message.method !== 'INVITE') words += ` (${message.method})`;
  }
  if (message.sdp) words += ' SDP';
  return message.again ? `${words} again` : words;
}

const toneOf = ({ status, again }) => {
  if (again) return 'warn';
  if (status === null) return 'request';
  if (status < 200) return 'ringing';
  return status < 300 ? 'good' : 'bad';
};

// set(trace) draws what is new of /api/v1/calls/{id}/messages; what is drawn stays.
export class Ladder {
  constructor() {
    this.drawn = 0;
    this.parties = 0;
    this.width = 0;
    this.chosen = null;
    this.picture = draw('svg', { class: 'ladder', role: 'list', 'aria-label': 'SIP messages of both legs' });
    this.box = make('div', { class: 'ladder-box scroll', tabindex: '0', role: 'region', 'aria-label': 'Ladder' }, this.picture);
    this.caption = make('p', { class: 'faint' });
    this.message = make('pre', { class: 'message', tabindex: '0', 'aria-label': 'The message' });
    this.messageTitle = make('h3', {}, 'Message');
    this.detail = make('section', { class: 'card detail' }, this.messageTitle, this.message);
    this.detail.hidden = true;
    this.element = make('div', { class: 'ladder-parts' }, make('section', { class: 'card' }, make('h3', {}, 'Ladder'),
      this.box, this.caption), this.detail);
    this.sizes = new ResizeObserver(() => this.trace && this.set(this.trace));
    this.sizes.observe(this.box);
  }

  close() {
    this.sizes.disconnect();
  }

  set(trace) {
    this.trace = trace;
    const { parties, messages, cut } = trace;
    const width = this.box.clientWidth;
    const begins = messages[0]?.at;
    const isOther = parties.length !== this.parties || width !== this.width || begins !== this.begins;
    if (isOther || messages.length < this.drawn) {
      Object.assign(this, { parties: parties.length, width, begins, drawn: 0 });
      this.frame(parties);
    }
    const wasAtEnd = this.box.scrollTop + this.box.clientHeight >= this.box.scrollHeight - STEP;
    for (; this.drawn < messages.length; this.drawn += 1) this.arrow(messages[this.drawn], this.drawn);
    const height = HEAD + (messages.length + 1) * STEP;
    this.picture.setAttribute('height', String(height));
    for (const life of this.lines) life.setAttribute('y2', String(height - 8));
    if (wasAtEnd) this.box.scrollTop = this.box.scrollHeight;
    const words = messages.length ? `${messages.length} messages${cut ? '; older ones are no longer kept' : ''}.` : 'No message of it is kept.';
    setText(this.caption, `${words} Choose one to read it.`);
  }

  frame(parties) {
    const room = (this.width - 2 * EDGE) / Math.max(1, parties.length - 1);
    this.gap = Math.min(GAP_MOST, Math.max(GAP_LEAST, room));
    this.picture.setAttribute('width', String(Math.floor(2 * EDGE + this.gap * (parties.length - 1))));
    this.picture.replaceChildren();
    this.lines = parties.map((_, i) => draw('line', { class: 'life', x1: this.x(i), x2: this.x(i), y1: HEAD - 8, y2: HEAD }));
    this.picture.append(...this.lines);
    parties.forEach((party, i) => this.picture.append(draw('g', { class: 'party' },
      draw('title', {}, `${party.name} ${text(party.realm)} ${text(party.remote)}`),
      draw('text', { x: this.x(i), y: 16, class: 'name' }, shortened(party.name, this.gap)),
      draw('text', { x: this.x(i), y: 31, class: 'faint' }, shortened(party.remote ?? party.realm ?? '', this.gap)))));
  }

  x(party) {
    return Math.round(EDGE + party * this.gap) + 0.5;
  }

  arrow(message, index) {
    const y = HEAD + (index + 1) * STEP - 8.5;
    const [from, to] = [this.x(message.from), this.x(message.to)];
    const side = Math.sign(to - from) || 1;
    const room = Math.abs(to - from) - 12;
    const words = labelOf(message);
    const choose = () => this.choose(message, group);
    const group = draw('g', {
      class: `arrow ${toneOf(message)}`, tabindex: '0', role: 'listitem',
      'aria-label': `${words}, ${fixed(message.after_ms, 1)} ms after the first`,
      onclick: choose,
      onkeydown: (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      },
    },
    draw('title', {}, `${time(message.at, true)} (${utc(message.at)}), ${message.bytes} octets, ${message.remote}`),
    draw('rect', { x: 0, y: y - 17, width: this.picture.getAttribute('width'), height: STEP - 2, class: 'touch' }),
    draw('text', { x: 4, y: y + 3, class: 'when' }, after(message.after_ms)),
    draw('line', { x1: from, x2: to - side * 6, y1: y, y2: y }),
    draw('path', { d: `M${to} ${y}l${-side * 8} -4v8z` }),
    draw('text', { x: (from + to) / 2, y: y - 5, class: 'label' }, shortened(words, room)));
    this.picture.append(group);
    if (this.chosen === index) group.classList.add('chosen');
    group.dataset.index = String(index);
  }

  choose(message, group) {
    this.picture.querySelector('.chosen')?.classList.remove('chosen');
    group.classList.add('chosen');
    this.chosen = Number(group.dataset.index);
    replace(this.messageTitle, labelOf(message),
      make('span', { class: 'faint', title: utc(message.at) }, ` ${time(message.at, true)}, ${message.local} and ${message.remote}`));
    this.message.textContent = visibleLines(message.text);
    this.detail.hidden = false;
    this.detail.scrollIntoView({ block: 'nearest' });
  }
}

// Milliseconds since the first message, in few letters.
function after(milliseconds) {
  if (milliseconds < 1000) return `+${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 100) return `+${seconds.toFixed(2)} s`;
  return `+${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
