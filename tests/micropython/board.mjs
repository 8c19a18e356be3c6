// MicroPython with the firmware in its file system, copied from the tree byte for byte, so that no caller can hand over
// another one by mistake.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

export const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function boot(programs) {
  const micropython = await loadMicroPython({
    heapsize: 1024 * 1024,
    stdout: (line) => process.stderr.write(`${line}\n`),
  });
  giveTree(micropython, here("../../hw_sim/firmware"), "/board/hw_sim/firmware");
  micropython.FS.writeFile("/board/hw_sim/__init__.py", "");
  for (const name of programs) giveFile(micropython, here(name), `/board/${name}`);
  micropython.runPython('import sys; sys.path.insert(0, "/board")');
  return micropython;
}

function giveFile(micropython, from, to) {
  micropython.FS.writeFile(to, readFileSync(from));
}

export function giveTree(micropython, from, to) {
  micropython.FS.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === "__pycache__") continue;
    const give = entry.isDirectory() ? giveTree : giveFile;
    give(micropython, join(from, entry.name), `${to}/${entry.name}`);
  }
}
