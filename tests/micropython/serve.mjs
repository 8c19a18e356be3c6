// node serve.mjs [--port N] [--speed N] [--load OHM]: a unit under real MicroPython on a resistor, on a TCP port.
//
// Prints the port to open, `socket://127.0.0.1:PORT`, and serves one client at a time; a second one is hung up on. The
// unit lives in real time, `--speed` times as fast (HELLO says so in `rate`), whether somebody is connected or
// not. Lines on standard input do something to the bench: open, close (the lead), load OHM, reset. SIGTERM ends it.

import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { boot } from "./board.mjs";

const WAKE_MS = 4; // below half a tick: a tick is late by no more than that
const PATIENCE_MS = 500;
const LOOK_MS = 20;

function whole(options, name, lowest, highest) {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
  process.stderr.write(`--${name} ${options[name]}: give a whole number from ${lowest} to ${highest}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    speed: { type: "string", default: "1" },
    load: { type: "string", default: "5000" },
  },
});
const port = whole(values, "port", 0, 65535);
const speed = whole(values, "speed", 1, 50);
const ohm = whole(values, "load", 1, 10_000_000);

const micropython = await boot(["unit.py"]);
micropython.runPython(`import unit; unit.begin(${ohm}, ${speed})`);
const unit = micropython.globals.get("unit");

let client = null;
const began = performance.now();

// Let the unit come to now and take what arrived; send what it says.
function pass(arrived = "") {
  const out = unit.step(Math.floor((performance.now() - began) * speed), arrived);
  if (out && client !== null) client.write(out, "latin1");
}

function adopt(socket) {
  client = socket;
  socket.setNoDelay(true);
  socket.on("data", (data) => pass(data.toString("hex")));
}

// A host that closes and opens again is there before its old connection is known to be gone.
function admit(socket, patience_ms) {
  if (socket.destroyed) return;
  if (client === null) adopt(socket);
  else if (patience_ms > 0) setTimeout(() => admit(socket, patience_ms - LOOK_MS), LOOK_MS);
  else socket.destroy();
}

const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    if (client !== socket) return;
    client = null;
    pass();
    unit.hang_up();
  });
  admit(socket, PATIENCE_MS);
});

setInterval(pass, WAKE_MS);
createInterface({ input: process.stdin }).on("line", (line) => {
  pass();
  const wrong = unit.do(line);
  process.stdout.write(wrong ? `? ${wrong}\n` : "done\n");
});
process.on("SIGTERM", () => process.exit(0));
server.listen(port, "127.0.0.1", () => process.stdout.write(`socket://127.0.0.1:${server.address().port}\n`));
