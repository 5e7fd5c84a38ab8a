// icons.js — the pictures of the page, as lines in a square of 24.
import { draw } from './dom.js';

const PATHS = {
  overview: 'M4 19V9m5 10V5m5 14v-7m5 7V8',
  calls: 'M6 3h3l2 5-2.5 2a12 12 0 0 0 5.5 5.5L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z',
  peers: 'M4 8h12m0 0-4-4m4 4-4 4M20 16H8m0 0 4-4m-4 4 4 4',
  registrations: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm3 15h2',
  detections: 'M12 4 2.5 20h19zM12 10v4m0 3v.01',
  blocked: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.6 5.6l12.8 12.8',
  theme: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  key: 'M7.5 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm4 4H21m-2.5 0v4m-4-4v3',
  back: 'M15 5l-7 7 7 7',
};

export const icon = (name) =>
  draw('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' },
    draw('path', { d: PATHS[name] }));

export const logo = () =>
  draw('svg', { viewBox: '0 0 32 32', class: 'logo', 'aria-hidden': 'true', focusable: 'false' },
    draw('path', { d: 'M7 26V15a9 9 0 0 1 18 0v11h-5v-9a4 4 0 0 0-8 0v9z' }));
