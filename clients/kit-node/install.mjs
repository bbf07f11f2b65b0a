// The build step of a Node client, run in its folder: `npm ci`, unless what is
// installed is what the lock file says.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { leave } from './run.mjs';

const LEAST_NODE = 20;
const FOLDER = 'node_modules';
const FILES = ['package.json', 'package-lock.json'];

const major = Number(process.versions.node.split('.')[0]);
if (major < LEAST_NODE) {
  leave(`this is Node.js ${process.versions.node}: install version ${LEAST_NODE} or later`, 1);
}
if (!is_installed()) {
  const failure = install();
  if (failure !== undefined) leave(failure, 1);
}

/** npm keeps a copy of the lock's packages beside what it installed. */
function is_installed() {
  const installed = `${FOLDER}/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const packages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const here = packages(installed);
  const wanted = Object.entries(packages('package-lock.json')).filter(([path]) => path !== '');
  return wanted.every(([path, { version, optional }]) => optional || here[path]?.version === version);
}

/** Beside its place, and moved there at once: two builds at a time do no harm. */
function install() {
  const room = mkdtempSync('.install-');
  try {
    FILES.forEach((file) => copyFileSync(file, `${room}/${file}`));
    const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: room,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) return error?.message ?? '`npm ci` failed: see its words above';
    if (existsSync(FOLDER)) renameSync(FOLDER, `${room}/old`);
    renameSync(`${room}/${FOLDER}`, FOLDER);
  } catch (error) {
    // Another build was quicker.
    if (!is_installed()) return error.message;
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return undefined;
}
