// node run.mjs JOB FOLDER: boot MicroPython, give it firmware, driver and FOLDER, run driver.JOB(), print its result.
//
// The firmware is the tree's (board.mjs); a test that wants a spoiled file puts it into FOLDER, which is laid over it.
// The result leaves through a file of the wasm file system and not through print: nothing that MicroPython says can
// then be taken for it.

import { boot, giveTree } from "./board.mjs";

const [job, folder] = process.argv.slice(2);
const micropython = await boot(["driver.py", "dialogue.py"]);

// Processor time, because the clock on the wall also measures what else the machine does.
micropython.registerJsModule("host", { cpu_us: () => process.cpuUsage().user });

giveTree(micropython, folder, "/board");
try {
  micropython.runPython(`import driver; driver.${job}()`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
process.stdout.write(micropython.FS.readFile("/board/result.json", { encoding: "utf8" }));
