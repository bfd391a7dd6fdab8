// Run by node with a JSON question on its standard input; answers in JSON. Shows a folder of tarballs to npm as a
// registry on the loopback for as long as npm runs, and tells which packages there were before and after.
'use strict';
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');

const { prefix, folder, tarballs, packages } = JSON.parse(fs.readFileSync(0, 'utf8'));

// The packages below a project folder by path, links left out.
function layout(project, found = {}) {
    const modules = path.join(project, 'node_modules');
    const names = (at) => (fs.existsSync(at) ? fs.readdirSync(at, { withFileTypes: true }) : [])
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
        .map((entry) => entry.name);
    for (const name of names(modules)) {
        const inner = name.startsWith('@') ? names(path.join(modules, name)).map((one) => `${name}/${one}`) : [name];
        for (const one of inner) {
            const place = path.join(modules, one);
            try {
                const { name, version } = JSON.parse(fs.readFileSync(path.join(place, 'package.json'), 'utf8'));
                found[place] = { name: String(name || one), version: String(version || '') };
            } catch (_) {
                found[place] = { name: one, version: '' };
            }
            layout(place, found);
        }
    }
    return found;
}

// What a registry says of each package.
function packuments(address) {
    const all = new Map();
    for (const { file, name, version, integrity, manifest } of tarballs) {
        if (!all.has(name)) {
            all.set(name, { name, 'dist-tags': {}, versions: {} });
        }
        const dist = { tarball: `${address}/-/${encodeURIComponent(file)}`, integrity };
        all.get(name).versions[version] = Object.assign({}, manifest, { dist });
    }
    return all;
}

function answer(all, request, response) {
    const asked = decodeURIComponent(request.url).slice(1);
    const tarball = tarballs.find(({ file }) => asked === `-/${file}`);
    if (tarball) {
        fs.createReadStream(path.join(folder, tarball.file)).pipe(response);
    } else if (all.has(asked)) {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(all.get(asked)));
    } else {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end('{"error":"not found"}');
    }
}

const before = layout(prefix);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'npm-'));
const finish = (status) => {
    // Older versions of node have the one, newer ones the other.
    (fs.rmSync || fs.rmdirSync)(scratch, { recursive: true });
    process.exit(status);
};
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
    const address = `http://127.0.0.1:${server.address().port}`;
    const all = packuments(address);
    server.on('request', (request, response) => answer(all, request, response));
    const scopes = new Set(tarballs.map(({ name }) => name).filter((name) => name.startsWith('@')));
    const argv = [
        'install', `--registry=${address}/`,
        ...[...scopes].map((name) => `--${name.split('/')[0]}:registry=${address}/`),
        `--prefix=${prefix}`, `--cache=${path.join(scratch, 'cache')}`, '--userconfig=/dev/null',
        // The port is another one each time.
        '--omit-lockfile-registry-resolved', '--fetch-retries=0',
        '--no-audit', '--no-fund', '--no-update-notifier', '--no-progress', '--', ...packages,
    ];
    const environment = Object.assign({}, process.env, { TMPDIR: scratch });
    const npm = spawn('npm', argv, { cwd: prefix, env: environment, stdio: ['ignore', 2, 2] });
    npm.on('error', (error) => {
        console.error(`${error.message}: install npm on the image, or say \`dependencies: false\``);
        finish(127);
    });
    npm.on('exit', (status) => {
        if (status === 0) {
            fs.writeSync(1, JSON.stringify({ before, after: layout(prefix) }));
        }
        finish(status === null ? 1 : status);
    });
});
