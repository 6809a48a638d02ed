// What the firmware needs of a heap: prints one JSON object.
//
//   node measure.mjs FOLDER-WITH-MPY
//
// Objects of this MicroPython are 32 bits wide and its heap blocks 16 bytes, as on the ESP8266.
// Memory is only collected between calls here, so what one call takes from the heap is exactly
// its garbage plus what it keeps.

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

const result = {};
used();
const empty = used();
measure.load();
used();
result.after_import = used() - empty;
measure.start();
used();
result.running = used() - empty;
const garbage = (call) => {
  used();
  const before = used();
  call();
  return measure.used() - before;
};
result.turn = Math.max(...[...Array(20)].map(() => garbage(() => measure.turn())));
result.turn_idle = Math.min(...[...Array(20)].map(() => garbage(() => measure.turn())));
result.plain_request = garbage(() => measure.request());
measure.key();
result.handshake = garbage(() => measure.handshake());
result.sealed_request = garbage(() => measure.request());
result.update_begin = garbage(() => measure.begin());
result.update_data = garbage(() => measure.data());
for (let i = 0; i < 600; i++) measure.request();
used();
result.after_600_requests = used() - empty;
console.log(JSON.stringify(result));
process.exit(0);
