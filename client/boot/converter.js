// The converter's worker: loads the program that reads and writes files, and hands it one job.
//
// A worker lives for one job. Whatever a hostile file does to it ends with it.

addEventListener('message', async ({ data }) => {
  const [script, program, job, input] = data;
  try {
    const converter = await import(script);
    await converter.default({ module_or_path: fetch(program) });
    const output = converter.convert(job, input);
    postMessage(output, [output.buffer]);
  } catch (fault) {
    postMessage(['failed', String(fault?.name ?? fault)]);
  }
}, { once: true });
