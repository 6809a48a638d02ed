// What the firmware needs of a heap: prints one JSON object.
//
//   node measure.mjs FOLDER-WITH-MPY
//
// Objects of this MicroPython are 32 bits wide and its heap blocks 16 bytes, as on the ESP8266.
// Memory is collected only when a call has returned, so what is taken from the heap within one call
// is its garbage and what it keeps, exactly.

import { here, list, start } from "./micropython.mjs";

const build = process.argv[2];
const mp = await start({ "/fw": list(build, ".mpy"), "/sim": [`${here}/measure.py`] });
mp.FS.mkdir("/flash");
mp.runPython("import measure");
const measure = mp.globals.get("measure");
const used = () => {
  measure.collect(); // takes place when the call has returned
  return measure.used();
};

const kept = (name) => {
  used();
  result[name] = used() - empty;
};
const result = {};
used();
const empty = used();
measure.load();
kept("after_import");
measure.load_board();
kept("with_board");
measure.start();
kept("running");
result.idle_turn = measure.garbage("turn");
measure.request();
result.plain_request = measure.garbage("request");
for (let i = 0; i < 600; i++) measure.request();
kept("after_600_plain");
measure.key();
result.handshake = measure.garbage("handshake");
result.sealed_request = measure.garbage("request");
for (let i = 0; i < 600; i++) measure.request();
kept("after_600_sealed");
measure.begin();
result.update_frame = measure.garbage("data");
kept("with_update");
console.log(JSON.stringify(result));
process.exit(0);
