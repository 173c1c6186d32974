// Plays an asciicast file with asciinema's own player, without a browser, and prints what the player did: one JSON
// object per line. Usage: node play-asciicast.mjs FILE, from the directory that node_modules is in.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const player = join(here, "node_modules", "asciinema-player", "dist");
const core = readdirSync(player).find((name) => /^core-.*\.js$/.test(name));
const { C: Core } = await import(pathToFileURL(join(player, core)).href);

const print = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const fail = (error) => {
  process.stderr.write(`${error?.message ?? error}\n`);
  process.exit(1);
};
const quiet = { log() {}, debug() {}, info() {}, warn() {}, error() {} };

const data = readFileSync(process.argv[2], "utf8");
const session = new Core({ driver: "recording", parser: "asciicast", data: () => data }, {
  logger: quiet,
  speed: 100000,
  loop: false,
  autoPlay: false,
  preload: true,
});
session.addEventListener("metadata", (metadata) => print({ metadata }));
session.addEventListener("reset", ({ size }) => print({ size }));
session.addEventListener("resize", (size) => print({ resize: size }));
session.addEventListener("output", (event) => print({ output: event.data ?? event }));
session.addEventListener("marker", (marker) => print({ marker }));
session.addEventListener("error", fail);
session.addEventListener("ended", (event) => {
  print({ ended: event ?? null });
  process.exit(0);
});
session.terminalReady();
await session.init();
await session.play();
