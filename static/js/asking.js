/* Calls of a service from its playground: one at a time, cancelled by a button, refusals as words. */
export const words = JSON.parse(document.getElementById('play-words').textContent);
export const say = (text, values) => Object.entries(values).reduce((made, [name, value]) => made.replace(`%(${name})s`, value), text).replace('%%', '%');

/* Returns what the answer of a service says of its failure. */
export async function refusal(answer) {
  const text = await answer.text();
  try {
    const found = JSON.parse(text);
    return (found.error && found.error.message) || found.detail || text.slice(0, 2000);
  } catch { return text.slice(0, 2000) || `${answer.status} ${answer.statusText}`; }
}

export function refused(place, text) {
  const note = document.createElement('div');
  note.className = 'note note-danger';
  note.setAttribute('role', 'alert');
  const line = document.createElement('div');
  line.textContent = text;
  note.append(line);
  place.replaceChildren(note);
}

/* Yields the data of server-sent events and, as { usage }, the comment that counts tokens. */
export async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    rest += value || '';
    const lines = rest.split(/\r?\n/);
    rest = done ? '' : lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) {
        const data = line.slice(5).trim();
        if (data === '[DONE]') return;
        if (data) yield JSON.parse(data);
      } else if (line.startsWith(': usage ')) yield { usage: JSON.parse(line.slice(8)), choices: [] };
    }
    if (done) throw new Error(words.cut);
  }
}

/* Times of one answer, as words: first token, tokens a second, tokens. */
export class Clock {
  constructor() { this.began = performance.now(); this.first = null; this.tokens = 0; this.counted = false; }

  token() {
    if (this.first === null) this.first = performance.now();
    if (!this.counted) this.tokens += 1;
  }

  usage(found) {
    if (found && found.completion_tokens) { this.tokens = found.completion_tokens; this.counted = true; }
  }

  text(streamed) {
    const parts = [];
    const end = performance.now();
    const since = streamed && this.first !== null && this.tokens > 1 ? (end - this.first) / 1000 : (end - this.began) / 1000;
    if (streamed && this.first !== null) parts.push(say(words.first, { seconds: ((this.first - this.began) / 1000).toFixed(2) }));
    if (this.tokens && since > 0) parts.push(say(words.rate, { rate: (this.tokens / since).toFixed(this.tokens / since < 10 ? 1 : 0) }));
    if (this.tokens) parts.push(say(words.tokens, { count: this.tokens }));
    return parts.join(' · ');
  }
}

/* One request at a time: `run` gets the signal by which the halt button ends it. */
export class Turn {
  constructor(form) {
    this.form = form;
    this.halt = form.querySelector('[data-halt]');
    this.send = form.querySelector('.btn-primary[type=submit]');
    this.control = null;
    if (this.halt) this.halt.addEventListener('click', () => this.control && this.control.abort());
  }

  get busy() { return this.control !== null; }

  async run(work) {
    this.control = new AbortController();
    this.send.disabled = true;
    if (this.halt) this.halt.hidden = false;
    try { return await work(this.control.signal); } finally {
      this.control = null;
      this.send.disabled = false;
      if (this.halt) this.halt.hidden = true;
    }
  }
}

export const post = (address, body, signal) => fetch(address, {
  method: 'POST', headers: { 'Content-Type': 'application/json', 'Accept-Language': document.documentElement.lang }, body: JSON.stringify(body), signal,
});
