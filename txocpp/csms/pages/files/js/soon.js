// Gathers what has changed, so that a storm of events costs one look.

const PAUSE_MS = 300;

/** A function that notes keys; soon after, `work(set of keys)` is called once for all of them. */
export function soon(work, pauseMs = PAUSE_MS) {
  let timer = 0;
  let running = false;
  let keys = new Set();
  let over = false;

  async function run() {
    timer = 0;
    if (running || over) return;
    running = true;
    const taken = keys;
    keys = new Set();
    try {
      await work(taken);
    } catch (problem) {
      console.warn(problem.message);
    } finally {
      running = false;
      if (keys.size && !timer && !over) timer = setTimeout(run, pauseMs);
    }
  }

  function mark(key = "") {
    if (over) return;
    keys.add(key);
    if (!timer && !running) timer = setTimeout(run, pauseMs);
  }

  /** Without waiting. */
  mark.now = () => {
    keys.add("");
    clearTimeout(timer);
    run();
  };

  mark.stop = () => {
    over = true;
    clearTimeout(timer);
  };
  return mark;
}
