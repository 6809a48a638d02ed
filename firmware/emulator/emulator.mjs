// A charger without a charger: the ESP8266 firmware, unmodified, in MicroPython under Node.
//
//   node emulator.mjs --stdio --control-port 4117      the cable is stdin and stdout
//   node emulator.mjs --tcp 4116 --control-port 4117   the charger listens
//   node emulator.mjs --lockstep                       virtual time; everything by commands
//
// The control channel takes one JSON object a line and answers each (see bench.py). In lockstep it
// is stdin and stdout; otherwise a TCP port on the loopback interface. Options: --config JSON (as
// in bench.py: outlets, key, caps, max, insecure), --build FOLDER (run the .mpy files from there).
// Port 0 means any free one; what is listened on is told on stderr.

import net from "node:net";
import readline from "node:readline";
import { parseArgs } from "node:util";
import { firmware, here, list, start } from "./micropython.mjs";

const TURN_MS = 20;

const { values: options } = parseArgs({
  options: {
    stdio: { type: "boolean" },
    lockstep: { type: "boolean" },
    tcp: { type: "string" },
    "control-port": { type: "string" },
    config: { type: "string", default: "{}" },
    build: { type: "string" },
  },
});

const source = options.build ? list(options.build, ".mpy") : list(firmware, ".py");
const mp = await start({ "/fw": source, "/sim": list(here, ".py") });
mp.FS.mkdir("/flash");
mp.runPython(`import bench, json\nthe_bench = bench.Bench("/flash", json.loads(${JSON.stringify(options.config)}))`);
const bench = mp.globals.get("the_bench");
const obey = (command) => bench.command(command);

function eachLine(stream, reply) {
  readline.createInterface({ input: stream }).on("line", (line) => {
    if (line.trim()) reply(obey(line) + "\n");
  });
}

function listen(port, serve, name) {
  const server = net.createServer(serve);
  server.listen(Number(port), "127.0.0.1", () => {
    process.stderr.write(`${name} on 127.0.0.1:${server.address().port}\n`);
  });
}

if (options.lockstep) {
  eachLine(process.stdin, (answer) => process.stdout.write(answer));
} else {
  realTime();
}

function realTime() {
  const sockets = new Map();
  let arrived = {};
  const bytes = (line, data) => {
    arrived[line] = (arrived[line] ?? "") + data.toString("hex");
  };
  if (options["control-port"]) {
    listen(options["control-port"], (socket) => {
      socket.on("error", () => {});
      eachLine(socket, (answer) => socket.write(answer));
    }, "control");
  }
  if (options.tcp) {
    listen(options.tcp, (socket) => {
      const { line } = JSON.parse(obey('{"do": "connect"}'));
      sockets.set(line, socket);
      socket.on("data", (data) => bytes(line, data));
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(line);
        obey(JSON.stringify({ do: "disconnect", line }));
      });
    }, "charger");
  }
  if (options.stdio) {
    process.stdin.on("data", (data) => bytes(0, data));
    process.stdin.on("end", () => process.exit(0));
  }
  let before = Date.now();
  setInterval(() => {
    const now = Date.now();
    const command = { do: "run", ms: now - before, in: arrived };
    before = now;
    arrived = {};
    const answer = JSON.parse(obey(JSON.stringify(command)));
    if (!answer.ok) throw new Error(answer.error);
    for (const [line, hex] of Object.entries(answer.out)) {
      const data = Buffer.from(hex, "hex");
      if (line === "0" && options.stdio) process.stdout.write(data);
      else sockets.get(Number(line))?.write(data);
    }
    for (const line of answer.closed) sockets.get(line)?.end();
  }, TURN_MS);
}
