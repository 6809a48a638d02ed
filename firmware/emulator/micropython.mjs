// MicroPython as WebAssembly, with the firmware in its file system.
//
// The package is looked for where Node looks (node_modules upwards from here), then in the
// folder that the environment variable TXOCPP_NODE_MODULES names.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export const here = path.dirname(fileURLToPath(import.meta.url));
export const firmware = path.join(here, "..", "esp8266");

const PACKAGE = "@micropython/micropython-webassembly-pyscript";

async function engine() {
  const places = [here, path.join(here, "..", "..", "tests", "firmware")];
  if (process.env.TXOCPP_NODE_MODULES) places.unshift(process.env.TXOCPP_NODE_MODULES);
  for (const place of places) {
    const require = createRequire(path.join(place, "any.js"));
    try {
      return (await import(pathToFileURL(require.resolve(`${PACKAGE}/micropython.mjs`)))).loadMicroPython;
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error(`the npm package ${PACKAGE} is not installed (npm ci in tests/firmware)`);
}

// Copies files into folders of a fresh interpreter and puts these folders on sys.path.
export async function start(folders) {
  const load = await engine();
  const mp = await load({ stdout: (line) => process.stderr.write(line + "\n") });
  for (const [target, files] of Object.entries(folders)) {
    mp.FS.mkdir(target);
    for (const file of files) {
      mp.FS.writeFile(`${target}/${path.basename(file)}`, fs.readFileSync(file));
    }
    mp.runPython(`import sys\nsys.path.append(${JSON.stringify(target)})`);
  }
  return mp;
}

export function list(folder, ending) {
  return fs.readdirSync(folder).filter((name) => name.endsWith(ending)).map((name) => path.join(folder, name));
}
