// npm runs this before it packs the package, and when a project installs this folder of a clone. For a folder outside the
// project npm installs no packages, not even the compiler: they come first where they are missing.
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";

const folder = new URL("..", import.meta.url);
const run = (command) => execSync(command, { cwd: folder, stdio: ["ignore", 2, 2] });

if (!existsSync(new URL("node_modules/typescript", folder))) {
  run("npm ci --ignore-scripts --no-audit --no-fund");
}
run("npm run --silent build:package");
