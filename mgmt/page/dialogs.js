// dialogs.js — what is asked of the user: a token, and whether something is really to be done.
import { button, make, replace } from './dom.js';

// Shows a dialog until it is closed. build(close) gives what is in it.
function open(title, build) {
  return new Promise((settle) => {
    let result = null;
    const id = `dialog-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    const dialog = make('dialog', { 'aria-labelledby': id });
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.append(make('h2', { id }, title), ...build(close));
    dialog.addEventListener('close', () => {
      dialog.remove();
      settle(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// The token, or null when the user would rather not.
export function askToken(why) {
  return open('Token', (close) => {
    const input = make('input', {
      type: 'password', name: 'token', required: true, autofocus: true, autocomplete: 'off', spellcheck: 'false',
      autocapitalize: 'none', 'aria-describedby': 'token-why',
    });
    const form = make('form', {
      onsubmit: (event) => {
        event.preventDefault();
        if (input.value.trim()) close(input.value);
      },
    },
    make('p', { id: 'token-why' }, why),
    make('label', {}, 'Token of management.tokens', input),
    make('p', { class: 'faint' }, 'It stays in this tab until the tab is closed.'),
    make('div', { class: 'buttons' }, button('Not now', () => close(null)),
      make('button', { type: 'submit', class: 'main' }, 'Use this token')));
    return [form];
  });
}

function fieldOf({ name, label, value = '', hint, required, pattern, choices }) {
  const input = choices
    ? make('select', { name }, ...choices.map(([key, words]) => make('option', { value: key }, words)))
    : make('input', { name, required, pattern, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  input.value = value;
  return make('label', {}, label, input, hint && make('span', { class: 'faint' }, hint));
}

// Does `run(values)` when the user says so, and shows why it could not be done. True: it was done.
export function confirmAction({ title, text, fields = [], action, run }) {
  return open(title, (close) => {
    const trouble = make('p', { class: 'trouble', role: 'alert' });
    const go = make('button', { type: 'submit', class: 'danger' }, action);
    const form = make('form', {
      onsubmit: async (event) => {
        event.preventDefault();
        replace(trouble);
        go.disabled = true;
        try {
          await run(Object.fromEntries(new FormData(form)));
          close(true);
        } catch (error) {
          replace(trouble, error.message);
        } finally {
          go.disabled = false;
        }
      },
    },
    text && make('p', {}, text), ...fields.map(fieldOf), trouble,
    make('div', { class: 'buttons' }, button('Cancel', () => close(false), { autofocus: fields.length === 0 }), go));
    return [form];
  });
}

// One line at the edge that goes by itself.
export function note(words) {
  const line = make('p', {}, words);
  document.getElementById('notes').append(line);
  setTimeout(() => line.remove(), 6000);
}
