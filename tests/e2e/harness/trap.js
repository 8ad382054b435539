// Makes a wasm program stop by a real fault after a while, as a bug in it would.

import binaryen from 'binaryen';

const FEATURES = ['MutableGlobals', 'BulkMemory', 'BulkMemoryOpt', 'CallIndirectOverlong', 'SignExt', 'NontrappingFPToInt', 'ReferenceTypes', 'Multivalue', 'ExceptionHandling'];

/** What the browser calls when something happens: events, answers, timers. */
const ENTRANCES = /invoke/;

/**
 * The program with an `unreachable` instruction that is reached once the browser has called it more
 * than `calls` times.
 *
 * @param {Uint8Array} program
 * @param {number} calls
 * @returns {Uint8Array}
 */
export const trapAfter = (program, calls) => {
  const module = binaryen.readBinary(program);
  // What browsers understand, and wasm-bindgen uses.
  module.setFeatures(FEATURES.reduce((all, name) => all | binaryen.Features[name], 0));
  const counter = 'e2e-calls';
  module.addGlobal(counter, binaryen.i32, true, module.i32.const(0));
  let patched = 0;
  for (let i = 0; i < module.getNumExports(); i += 1) {
    const { kind, name, value } = binaryen.getExportInfo(module.getExportByIndex(i));
    if (kind !== binaryen.ExternalFunction || !ENTRANCES.test(name)) continue;
    const entrance = module.getFunction(value);
    const { body, results } = binaryen.getFunctionInfo(entrance);
    const count = () => module.global.get(counter, binaryen.i32);
    binaryen.Function.setBody(entrance, module.block(null, [
      module.global.set(counter, module.i32.add(count(), module.i32.const(1))),
      module.if(module.i32.gt_u(count(), module.i32.const(calls)), module.unreachable()),
      body,
    ], results));
    patched += 1;
  }
  if (patched === 0) throw new Error('the program has no function that the browser calls');
  if (!module.validate()) throw new Error('the changed program is not valid');
  const binary = module.emitBinary();
  module.dispose();
  return binary;
};
