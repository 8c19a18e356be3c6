// node run.mjs FILE: boot Pyodide, show it this tree, let it tell every story, leave what it told in FILE.
//
// The tree is mounted, not copied: Pyodide reads the very files that the test imports, so no test can hand over other
// ones by mistake. The result leaves through a file and not through print: nothing that is said can be taken for it.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadPyodide } from "pyodide";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pyodide = await loadPyodide({ stdout: (line) => process.stderr.write(`${line}\n`) });
pyodide.FS.mkdirTree("/ionto");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, "/ionto");
try {
  const told = pyodide.runPython(`
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/ionto")
from tests.pyodide.stories import tell_all
json.dumps({"python": sys.version.split()[0], "platform": sys.platform, "stories": tell_all()})
`);
  writeFileSync(process.argv[2], told);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
process.exit(0);
