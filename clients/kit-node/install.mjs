// The build step of a Node.js client, run in its directory: `npm ci`, unless what is
// installed is what the lock file says.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { exit_with_message } from './stdio.mjs';

const MIN_NODE = 20;
const INSTALLED = 'node_modules';
const FILES = ['package.json', 'package-lock.json'];
/** npm waits five minutes, three times, for a registry that does not answer. */
const PATIENCE = ['--fetch-retries=1', '--fetch-timeout=60000'];

const major = Number(process.versions.node.split('.')[0]);
if (major < MIN_NODE) {
  exit_with_message(`this is Node.js ${process.versions.node}: install version ${MIN_NODE} or later`, 1);
}
if (!is_installed()) {
  const failure = install();
  if (failure !== undefined) exit_with_message(failure, 1);
}

/** npm keeps a copy of the lock file's packages beside what it installed. */
function is_installed() {
  const copy = `${INSTALLED}/.package-lock.json`;
  if (!existsSync(copy)) return false;
  const packages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const installed = packages(copy);
  const wanted = Object.entries(packages('package-lock.json')).filter(([path]) => path !== '');
  return wanted.every(([path, { version, optional }]) => optional || installed[path]?.version === version);
}

/** In a temporary directory, then moved into place: two builds at a time do no harm. */
function install() {
  const directory = mkdtempSync('.install-');
  try {
    FILES.forEach((file) => copyFileSync(file, `${directory}/${file}`));
    const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', ...PATIENCE], {
      cwd: directory,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) return error?.message ?? '`npm ci` failed: see its output above';
    if (existsSync(INSTALLED)) renameSync(INSTALLED, `${directory}/old`);
    renameSync(`${directory}/${INSTALLED}`, INSTALLED);
  } catch (error) {
    // Another build was faster.
    if (!is_installed()) return error.message;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return undefined;
}
