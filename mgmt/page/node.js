// node.js — what is done to the node as a whole: another configuration is taken, kept or taken back; no new calls.
import { ask } from './api.js';
import { confirmAction, note } from './dialogs.js';
import { make } from './dom.js';
import { count } from './format.js';
import { latest, live } from './live.js';
import { RoleButton } from './roles.js';

const TRIALS = [['5m', 'for 5 minutes, then back unless it is confirmed'], ['30m', 'for half an hour, then back unless it is confirmed'],
  ['', 'for good']];

function told(report) {
  const news = [...report.changes, ...report.warnings];
  const what = news.length ? news.join(' ') : 'Nothing has changed.';
  return report.unconfirmed ? `${what} It goes back in ${count(report.unconfirmed.seconds)} s unless it is confirmed.` : what;
}

const reload = (done) => confirmAction({
  title: 'Reload the configuration?',
  text: 'The files are read again and take effect at once; calls go on. A mistake in them is said here, and nothing changes.',
  fields: [{ name: 'confirm', label: 'It holds', value: '5m', choices: TRIALS }],
  action: 'Reload',
  run: async ({ confirm }) => {
    note(told(await ask('/api/v1/reload', { method: 'POST', body: confirm ? { confirm } : {} })));
    done();
  },
});

const keep = (done) => confirmAction({
  title: 'Keep this configuration?',
  text: 'What the last reload brought stays.',
  action: 'Keep it',
  run: async () => {
    await ask('/api/v1/confirm', { method: 'POST', body: {} });
    note('The configuration that runs is kept.');
    done();
  },
});

const goBack = (done) => confirmAction({
  title: 'Go back to the configuration before?',
  text: 'What the last reload brought is taken back; calls go on. The files stay as they are.',
  action: 'Go back',
  run: async () => {
    note(told(await ask('/api/v1/rollback', { method: 'POST', body: {} })));
    done();
  },
});

const drain = () => confirmAction({
  title: 'Take no new calls?',
  text: 'Calls that are up go on, new ones are refused but for emergencies, and only a restart ends that.',
  action: 'Drain',
  run: async () => {
    const { active } = await ask('/api/v1/drain', { method: 'POST', body: {} });
    note(`No new calls from now on; ${count(active)} are up.`);
  },
});

// The buttons of the overview. again(): alarms may be others now. isUnconfirmed(yes): whether something waits for it.
export function nodeActs(again) {
  const isDraining = () => latest()?.is_draining === true;
  const acts = [new RoleButton('Keep…', 'admin', () => keep(again)), new RoleButton('Go back…', 'admin', () => goBack(again)),
    new RoleButton('Reload…', 'admin', () => reload(again), { title: 'Reads the configuration again' }),
    new RoleButton('Drain…', 'admin', drain, { class: 'danger', title: 'Takes no new calls', isOver: isDraining })];
  const waiting = acts.slice(0, 2);
  const show = () => acts.forEach((act) => act.show());
  const isUnconfirmed = (yes) => waiting.forEach((act) => {
    act.node.hidden = !yes;
  });
  isUnconfirmed(false);
  live.addEventListener('stats', show);
  return {
    element: make('div', { class: 'acts', role: 'group', 'aria-label': 'The node' }, acts.map((act) => act.node)),
    isUnconfirmed,
    close() {
      live.removeEventListener('stats', show);
      acts.forEach((act) => act.close());
    },
  };
}
