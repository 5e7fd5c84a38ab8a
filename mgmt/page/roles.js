// roles.js — who uses this page, and what he may do: buttons of what his role is not enough for are shut, and say why.
import { ask, tokens } from './api.js';
import { button } from './dom.js';

const ROLES = ['viewer', 'operator', 'admin'];

// Tells `changed` when somebody else uses the page.
export const user = Object.assign(new EventTarget(), { name: null, role: null });

const isEnough = (needed) => user.role !== null && ROLES.indexOf(user.role) >= ROLES.indexOf(needed);

async function look() {
  let me = { name: null, role: null };
  try {
    me = await ask('/api/v1/me');
  } catch {
    // without a token that is known nobody may do anything
  }
  if (me.name === user.name && me.role === user.role) return;
  Object.assign(user, me);
  user.dispatchEvent(new Event('changed'));
}
tokens.addEventListener('changed', look);
look();

function whyNot(needed) {
  if (user.role === null) return `It needs the role ${needed}.`;
  if (user.name === null) return `It needs a token of the role ${needed}, and management.tokens names none.`;
  return `It needs the role ${needed}; ${user.name} is ${user.role}.`;
}

// A button for those with that role or a higher one. `isOver()`: there is nothing to do with it any more.
// close() when it leaves the document.
export class RoleButton {
  constructor(label, needed, press, { isOver = () => false, ...attributes } = {}) {
    Object.assign(this, { needed, isOver, what: attributes.title ?? '' });
    this.node = button(label, press, attributes);
    this.show = () => {
      const may = isEnough(needed);
      this.node.disabled = !may || isOver();
      this.node.title = may ? this.what : whyNot(needed);
    };
    user.addEventListener('changed', this.show);
    this.show();
  }

  close() {
    user.removeEventListener('changed', this.show);
  }
}
