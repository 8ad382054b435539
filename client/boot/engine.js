// The engine's worker before its program runs, and after it has stopped.
//
// It loads the program it is told to, and it tells the page when the program stops by a fault. That
// must not be left to the program: after a fault nothing of it can be trusted to run. The report
// holds places in the program, never what a person wrote.

const describe = (fault) => {
  const lines = [`engine stopped: ${fault?.name ?? typeof fault}`];
  if (self.bocageFault) lines.push(`at ${self.bocageFault}`);
  if (typeof fault?.stack === 'string') {
    lines.push(...fault.stack.split('\n').filter((line) => /:\d+/.test(line)).slice(0, 20));
  }
  return lines.join('\n');
};

let stopped = false;
const stop = (event, fault) => {
  event.preventDefault();
  if (stopped) return;
  stopped = true;
  postMessage(['trap', describe(fault)]);
};
addEventListener('error', (event) => stop(event, event.error ?? event));
addEventListener('unhandledrejection', (event) => stop(event, event.reason));

addEventListener('message', async ({ data }) => {
  const [, script, program] = data;
  try {
    const { default: start } = await import(script);
    await start({ module_or_path: fetch(program) });
    postMessage(['booted', '']);
  } catch (fault) {
    if (stopped) return;
    stopped = true;
    postMessage(['not-loaded', describe(fault)]);
  }
}, { once: true });
