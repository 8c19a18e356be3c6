// node run.mjs JOB FOLDER: boot MicroPython, give it firmware, driver and FOLDER, run driver.JOB(), print its result.
//
// The firmware is copied here, from the tree and byte for byte, so that no test can hand over another one by
// mistake; a test that wants a spoiled file puts it into FOLDER, which is laid over it. The result leaves through
// a file of the wasm file system and not through print: nothing that MicroPython says can then be taken for it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [job, folder] = process.argv.slice(2);
const micropython = await loadMicroPython({
  heapsize: 1024 * 1024,
  stdout: (line) => process.stderr.write(`${line}\n`),
});

// Processor time, because the clock on the wall also measures what else the machine does.
micropython.registerJsModule("host", { cpu_us: () => process.cpuUsage().user });

function giveFile(from, to) {
  micropython.FS.writeFile(to, readFileSync(from));
}

function giveTree(from, to) {
  micropython.FS.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === "__pycache__") continue;
    const give = entry.isDirectory() ? giveTree : giveFile;
    give(join(from, entry.name), `${to}/${entry.name}`);
  }
}

giveTree(here("../../hw_sim/firmware"), "/board/hw_sim/firmware");
micropython.FS.writeFile("/board/hw_sim/__init__.py", "");
giveFile(here("driver.py"), "/board/driver.py");
giveFile(here("dialogue.py"), "/board/dialogue.py");
giveTree(folder, "/board");
try {
  micropython.runPython(`import sys; sys.path.insert(0, "/board"); import driver; driver.${job}()`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
process.stdout.write(micropython.FS.readFile("/board/result.json", { encoding: "utf8" }));
