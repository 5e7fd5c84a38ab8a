// call.js — one call: what it is, how it sounds in each direction, why it went where it went, and its messages.
import { ask } from './api.js';
import { captureButton } from './capture.js';
import { confirmAction, note } from './dialogs.js';
import { button, make, replace, replaceIfOther, setText } from './dom.js';
import { count, fixed, length, percent, text, time, uri, user, utc, word } from './format.js';
import { icon } from './icons.js';
import { Ladder } from './ladder.js';
import { repeat } from './live.js';

const LOSS_BAD = 0.03; // what most listeners complain of. ITU-T G.107 Annex B
const MOS_BAD = 3.1;

export const hangUp = (call) => confirmAction({
  title: 'Hang up this call?',
  text: `From ${user(call.from)} to ${text(call.called_in)}, ${word(call.state)}. It is ended on both legs.`,
  action: 'Hang up',
  run: async () => {
    await ask(`/api/v1/calls/${encodeURIComponent(call.id)}`, { method: 'DELETE' });
    note('The call is being ended.');
  },
});

const section = (title, body) => make('section', { class: 'card scroll' }, make('h3', {}, title), body);
const cell = (value, tone = '') => make('td', { class: tone }, value);
const headOf = (name) => make('th', { scope: 'col', class: name.endsWith('>') ? 'end' : '' }, name.replace(/>$/, ''));

// A table under a title. set(rows) shows them; with none it says so, or is not there.
function tableCard(title, heads, rowOf, none) {
  const rows = make('tbody', {});
  const table = make('table', {}, make('thead', {}, make('tr', {}, heads.map(headOf))), rows);
  const words = make('p', { class: 'faint' }, none ?? '');
  const element = section(title, [table, words]);
  return {
    element,
    set(list) {
      table.hidden = list.length === 0;
      words.hidden = list.length !== 0;
      element.hidden = list.length === 0 && !none;
      replaceIfOther(rows, list, () => list.map(rowOf));
    },
  };
}

const stateTone = (call) => {
  if (call.state === 'answered' || call.result === 'answered') return 'good';
  return call.state === 'ended' && call.result !== 'cancelled' ? 'bad' : 'warn';
};

function whatItIs(call) {
  const when = (at) => at && make('time', { datetime: at, title: utc(at) }, time(at, true));
  const facts = [['From', uri(call.from)], ['To', uri(call.to)], ['Called', text(call.called_in)], ['Called on', text(call.called_out)],
    ['Peer in', text(call.peer_in)], ['Peer out', text(call.peer_out)], ['Route', text(call.route)], ['Start', when(call.start)],
    ['Ringing', when(call.ring)], ['Answered', when(call.answer)], ['Ended', when(call.end)],
    ['Set up in', call.setup_ms === null ? null : `${count(call.setup_ms)} ms`],
    ['Ended by', call.ended_by && `${word(call.ended_by)}${call.end_reason ? `: ${word(call.end_reason)}` : ''}`],
    ['Answer', call.sip_code && `${call.sip_code}${call.q850 ? `, Q.850 ${call.q850}` : ''}`],
    ['Identity', call.identity], ['Emergency', call.emergency ? 'yes' : null], ['Detections', call.detections.join(', ')]];
  return facts.filter(([, value]) => value).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]);
}

const mosTone = (mos) => (mos === null ? 'end' : `end ${mos < MOS_BAD ? 'bad' : 'good'}`);
const mediaRow = (row, _, rows) => make('tr', {},
  cell(rows.some((one) => one.stream !== rows[0].stream) ? `${row.from}, stream ${row.stream}` : text(row.from)),
  cell(fixed(row.mos, 2), mosTone(row.mos)), cell(percent(row.lost_ratio), row.lost_ratio >= LOSS_BAD ? 'end bad' : 'end'),
  cell(fixed(row.jitter_ms, 1), 'end'), cell(fixed(row.round_trip_ms, 1), 'end'), cell(count(row.packets), 'end'),
  cell(text(row.codec)), cell(row.crypto === 'none' ? 'in clear' : text(row.crypto)), cell(text(row.remote)), cell(text(row.local)),
  cell(count(row.after_bye_packets), row.after_bye_packets ? 'end warn' : 'end'));

const MEDIA_HEADS = ['From', 'MOS>', 'Lost>', 'Jitter ms>', 'Round trip ms>', 'Packets>', 'Codec', 'Keys', 'Remote', 'Local', 'After end>'];
const legRow = (leg, i) => make('tr', {}, cell(i === 0 ? 'caller' : 'callee'), cell(text(leg.realm)), cell(text(leg.transport)),
  cell(text(leg.remote)), cell(text(leg.call_id), 'wrap'));
const triedRow = (one) => make('tr', {}, cell(text(one.peer)), cell(text(one.target)),
  cell(one.code ? String(one.code) : 'none', one.code >= 200 && one.code < 300 ? 'end good' : 'end'));
const reasonRow = (one) => make('tr', {}, make('td', { title: utc(one.at) }, time(one.at, true)), cell(one.text, 'wrap'));

export function call(id) {
  const path = `/api/v1/calls/${encodeURIComponent(id)}/messages`;
  const heading = make('h1', {}, 'Call');
  const state = make('span', { class: 'pill' });
  const lasted = make('span', { class: 'faint' });
  const facts = make('dl', { class: 'facts' });
  const media = tableCard('Quality of each direction', MEDIA_HEADS, mediaRow, 'No media yet.');
  const reasons = tableCard('Why', ['Time', 'What was decided, and why'], reasonRow, 'Nothing is known of its reasons.');
  const legs = tableCard('Legs', ['Leg', 'Realm', 'Transport', 'Remote', 'Call-ID'], legRow);
  const tried = tableCard('Tried', ['Peer', 'Target', 'Answer>'], triedRow);
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const ladder = new Ladder();
  let now = null;
  const end = button('Hang up', () => now && hangUp(now), { class: 'danger' });
  end.hidden = true;
  const capture = captureButton(() => ({ call: now?.id ?? id }), 'What is said of this call');
  capture.node.hidden = true;

  function show(trace) {
    now = trace.call;
    setText(heading, `${user(now.from)} to ${text(now.called_in)}`);
    setText(state, now.state === 'ended' ? word(now.result ?? 'ended') : word(now.state));
    state.className = `pill ${stateTone(now)}`;
    setText(lasted, now.answer ? length(now.duration_ms) : '');
    end.hidden = capture.node.hidden = now.state === 'ended';
    replaceIfOther(facts, { ...now, duration_ms: 0, media: [] }, () => whatItIs(now));
    media.set(now.media);
    reasons.set(now.reasons);
    legs.set(now.legs);
    tried.set(now.tried);
    ladder.set(trace);
  }

  let stop;
  // An ended call says a last time what its media were like; then it changes no more.
  async function refresh(signal) {
    try {
      const trace = await ask(path, { signal });
      replace(trouble);
      if (signal.aborted) return;
      show(trace);
      if (now.state === 'ended' && Date.now() - Date.parse(now.end) > 15000) stop();
    } catch (error) {
      if (signal.aborted) return;
      end.hidden = capture.node.hidden = true;
      replace(trouble, error.status === 404 && now ? 'The call has ended, and nothing of it is kept any more.' : error.message);
    }
  }

  return {
    element: make('div', { class: 'view call' },
      make('div', { class: 'bar' }, make('a', { href: '#/calls', class: 'back', 'aria-label': 'All calls' }, icon('back')),
        heading, state, lasted, make('div', { class: 'acts' }, capture.node, end)),
      trouble,
      make('div', { class: 'columns' }, make('div', { class: 'stack' }, section('What it is', facts),
        media.element, reasons.element, legs.element, tried.element), ladder.element)),
    title: 'Call',
    start() {
      stop = repeat(refresh, 1000);
    },
    stop() {
      stop();
      capture.close();
      ladder.close();
    },
  };
}
