/* The playground of a model that writes texts: a conversation, or a text that is continued. Nothing of it is kept. */
import { Clock, Turn, events, post, refusal, refused, words } from './asking.js';
import { markdown } from './markdown.js';

const value = (form, name) => form.elements[name].value;

function sampling(form) {
  const found = { temperature: Number(value(form, 'temperature')), top_p: Number(value(form, 'top_p')) };
  const most = Number.parseInt(value(form, 'max_tokens'), 10);
  return Number.isFinite(most) ? { ...found, max_tokens: most } : found;
}

/* Fetches a text and gives each piece of it to `write`; returns whether it was streamed. */
async function written(address, body, stream, signal, clock, write, piece) {
  const answer = await post(address, stream ? { ...body, stream, stream_options: { include_usage: true } } : body, signal);
  if (!answer.ok) throw new Error(await refusal(answer));
  if (!(answer.headers.get('content-type') || '').startsWith('text/event-stream')) {
    const found = await answer.json();
    clock.usage(found.usage);
    write(piece(found.choices[0]));
    return false;
  }
  for await (const event of events(answer)) {
    if (event.error) throw new Error(event.error.message);
    clock.usage(event.usage);
    const text = event.choices && event.choices[0] ? piece(event.choices[0]) : '';
    if (text) { clock.token(); write(text); }
  }
  return true;
}

const told = (error) => (error.name === 'TypeError' ? words.failed : error.message);

class Chat {
  constructor(form) {
    this.form = form;
    this.turn = new Turn(form);
    this.list = form.querySelector('[data-messages]');
    this.messages = JSON.parse(value(form, 'history') || '[]');
    this.list.querySelectorAll('.msg-plain').forEach((box, number) => this.finish(box.closest('.msg'), box.textContent, '', number));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.submitted(event.submitter); });
    const entry = form.elements.message;
    entry.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submitted(null);
    });
    this.list.addEventListener('click', (event) => { if (event.target.closest('[data-again]')) this.again(); });
  }

  submitted(button) {
    if (button && button.hasAttribute('data-clear')) { this.clear(); return; }
    const entry = this.form.elements.message;
    if (this.turn.busy || !entry.value.trim()) { entry.focus(); return; }
    this.messages.push({ role: 'user', content: entry.value });
    this.show('user', entry.value);
    entry.value = '';
    this.answer();
  }

  clear() {
    if (this.turn.busy) this.turn.control.abort();
    this.messages = [];
    this.list.replaceChildren();
    this.form.elements.message.focus();
  }

  again() {
    if (this.turn.busy || !this.messages.length) return;
    if (this.messages.at(-1).role === 'assistant') this.messages.pop();
    const shown = this.list.querySelectorAll('.msg');
    if (shown.length > this.messages.length) shown[shown.length - 1].remove();
    this.answer();
  }

  show(who, text) {
    this.list.querySelectorAll('.chat-none, .note').forEach((note) => note.remove());
    const message = document.getElementById(`message-${who}`).content.firstElementChild.cloneNode(true);
    message.querySelector('.msg-b').textContent = text;
    this.list.append(message);
    this.list.scrollTop = this.list.scrollHeight;
    return message;
  }

  async answer() {
    const conversation = this.messages;
    const message = this.show('assistant', '');
    const body = message.querySelector('.msg-b');
    const state = document.createElement('span');
    state.className = 'faint small num';
    state.textContent = words.waiting;
    message.querySelector('.msg-h').append(state);
    message.setAttribute('aria-busy', 'true');
    const caret = document.createElement('span');
    caret.className = 'caret-live';
    caret.setAttribute('aria-hidden', 'true');
    body.append(caret);
    const clock = new Clock();
    const system = value(this.form, 'system');
    const asked = { model: this.form.dataset.model, messages: [...(system ? [{ role: 'system', content: system }] : []), ...conversation], ...sampling(this.form) };
    let text = '';
    let drawn = 0;
    const draw = () => { drawn = 0; body.className = 'msg-b prose'; body.replaceChildren(...markdown(text), caret); this.follow(); };
    const write = (piece) => { text += piece; state.textContent = words.writing; if (!drawn) drawn = requestAnimationFrame(draw); };
    await this.turn.run(async (signal) => {
      let streamed = this.form.querySelector('[data-stream]').checked;
      let ended = '';
      try {
        streamed = await written(this.form.dataset.chat, asked, streamed, signal, clock, write, (choice) => (choice.delta || choice.message).content || '');
      } catch (error) {
        ended = error.name === 'AbortError' ? words.stopped : told(error);
        if (error.name !== 'AbortError') this.fail(message, text, ended);
      }
      cancelAnimationFrame(drawn);
      if (this.messages !== conversation) { message.remove(); return; }
      if (!text && ended) { message.remove(); return; }
      if (text) conversation.push({ role: 'assistant', content: text });
      state.remove();
      this.finish(message, text, [ended === words.stopped ? ended : '', clock.text(streamed)].filter(Boolean).join(' · '));
    });
    this.form.elements.message.focus();
  }

  follow() {
    const list = this.list;
    if (list.scrollHeight - list.scrollTop - list.clientHeight < 120) list.scrollTop = list.scrollHeight;
  }

  fail(message, text, sentence) {
    const note = document.createElement('div');
    message.after(note);
    refused(note, sentence);
    note.replaceWith(note.firstElementChild);
    /* What was asked goes back into the field, so that it can be sent again. */
    if (!text && this.messages.at(-1).role === 'user' && !this.form.elements.message.value) {
      this.form.elements.message.value = this.messages.pop().content;
      const shown = this.list.querySelectorAll('.msg');
      if (shown.length > 1) shown[shown.length - 2].remove();
    }
  }

  finish(message, text, timing) {
    message.removeAttribute('aria-busy');
    const body = message.querySelector('.msg-b');
    body.className = 'msg-b prose';
    body.replaceChildren(...markdown(text));
    const head = message.querySelector('.msg-h');
    head.querySelectorAll('.num, .push').forEach((old) => old.remove());
    if (timing) {
      const line = document.createElement('span');
      line.className = 'faint small num';
      line.textContent = timing;
      head.append(line);
    }
    const actions = document.getElementById('message-actions').content.firstElementChild.cloneNode(true);
    actions.querySelector('[data-copy]').dataset.copy = text;
    this.list.querySelectorAll('[data-again]').forEach((old) => old.remove());
    head.append(actions);
    this.follow();
  }
}

function completion(form) {
  const turn = new Turn(form);
  const place = form.querySelector('[data-written]');
  const timing = form.querySelector('[data-timing]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const prompt = value(form, 'prompt');
    if (turn.busy || !prompt) { form.elements.prompt.focus(); return; }
    const clock = new Clock();
    place.textContent = '';
    form.querySelector('[data-refused]').replaceChildren();
    timing.textContent = words.waiting;
    await turn.run(async (signal) => {
      let streamed = form.querySelector('[data-stream]').checked;
      const asked = { model: form.dataset.model, prompt, ...sampling(form) };
      try {
        streamed = await written(form.dataset.completion, asked, streamed, signal, clock, (piece) => { place.append(piece); }, (choice) => choice.text || '');
      } catch (error) {
        if (error.name !== 'AbortError') refused(form.querySelector('[data-refused]'), told(error));
      }
      timing.textContent = clock.text(streamed);
    });
  });
}

document.querySelectorAll('[data-chat]').forEach((form) => new Chat(form));
document.querySelectorAll('[data-completion]').forEach(completion);
