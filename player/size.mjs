/** How many bytes a visitor loads beyond Epic's library, compressed; fails above the limit. Run after `npm run build`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT = 150_000;
const NOT_LOADED = /(licenses\.md)$/;

function files(folder) {
    return readdirSync(folder).flatMap((name) => {
        const path = join(folder, name);
        return statSync(path).isDirectory() ? files(path) : [path];
    });
}

const sizes = files('dist')
    .filter((path) => !NOT_LOADED.test(path))
    .map((path) => ({ path, epic: /\/epic-[^/]*\.js$/.test(path), bytes: gzipSync(readFileSync(path)).length }));
if (!sizes.some(({ epic }) => epic)) {
    throw new Error("no file of dist is Epic's library: the build is not there, or no longer keeps it apart");
}
for (const { path, epic, bytes } of sizes) {
    console.log(`${String(bytes).padStart(7)}  ${path}${epic ? "  (Epic's library)" : ''}`);
}
const own = sizes.filter(({ epic }) => !epic).reduce((total, { bytes }) => total + bytes, 0);
console.log(`${String(own).padStart(7)}  beyond Epic's library, gzip; at most ${LIMIT}`);
process.exitCode = own > LIMIT ? 1 : 0;
