// capture.js — signalling in clear as a pcapng file: asked for, taken in while it comes, and kept by the browser.
import { send } from './api.js';
import { confirmAction, note } from './dialogs.js';
import { button, make, setText } from './dom.js';
import { compact } from './format.js';
import { RoleButton } from './roles.js';

const TIMES = [['30s', '30 seconds'], ['1m', 'a minute'], ['5m', '5 minutes'], ['10m', '10 minutes']];
const BYTES_MOST = 100_000_000; // a tab holds them until the file is written

function save(pieces, name) {
  const address = URL.createObjectURL(new Blob(pieces, { type: 'application/x-pcapng' }));
  const link = make('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

async function take(response, cancel) {
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? 'sallyport.pcapng';
  const words = make('span', {}, 'Capturing…');
  const line = make('p', { class: 'going' }, words, button('Stop', () => cancel.abort()));
  document.getElementById('notes').append(line);
  const pieces = [];
  let bytes = 0;
  try {
    const reader = response.body.getReader();
    while (bytes < BYTES_MOST) {
      const { value, done } = await reader.read();
      if (done) break;
      pieces.push(value);
      bytes += value.length;
      setText(words, `Capturing: ${compact(bytes)} octets`);
    }
  } catch {
    // stopped, or the node is gone: what came is kept
  }
  cancel.abort();
  line.remove();
  save(pieces, name);
  note(`${name} is written.`);
}

// what: {call}, {peer} or {address}.
const capture = (what, words) => confirmAction({
  title: 'Capture?',
  text: `${words} is written to a file, in clear even where TLS carried it. Whoever reads the file sees numbers and passwords' answers.`,
  fields: [{ name: 'for', label: 'At most for', value: '1m', choices: TIMES }],
  action: 'Capture',
  run: async (given) => {
    const cancel = new AbortController();
    const response = await send(`/api/v1/capture?${new URLSearchParams({ ...what, for: given.for })}`, { signal: cancel.signal, byUser: true });
    take(response, cancel);
  },
});

// A button that captures what `what()` names.
export const captureButton = (what, words) =>
  new RoleButton('Capture…', 'operator', () => capture(what(), words), { title: 'Its signalling, as a file for Wireshark' });
