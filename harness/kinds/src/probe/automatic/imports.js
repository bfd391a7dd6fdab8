// Run by node with a JSON question on its standard input: tells which imports of programs do not resolve.
//
// `files` are programs and modules of their own, `packages` the `package.json` of installed packages, and `code` is
// this text. Programs are read by node's own parser and never run; what they import is loaded in a process of its own.
// What stands in a `try` or depends on a condition is optional and passed over.
'use strict';
const fs = require('fs');
const path = require('path');
const { builtinModules, createRequire } = require('module');
const { spawnSync } = require('child_process');

// Milliseconds for all, and for one process; the most bytes of one file, and of all that are read; the most packages.
const WITHIN = 20000, ONE = 10000, LARGEST = 1 << 20, ALL = 8 << 20, PACKAGES = 200;
// How many processes are ended by what they load before the rest is passed over.
const ENDED = 10;
const INSTALLERS = new Set(['corepack', 'npm']);

const told = { read: 0, unread: [], unresolved: [] };

// The text of a program; nothing for any other file.
function content(file) {
    try {
        const stat = fs.statSync(file);
        if (!stat.isFile() || stat.size > LARGEST) {
            return null;
        }
        const source = fs.readFileSync(file, 'utf8');
        return /\.[cm]?js$/.test(file) || (stat.mode & 0o111 && /^#![^\n]*\bnode\b/.test(source)) ? source : null;
    } catch (_) {
        return null;
    }
}

function manifest(folder) {
    try {
        return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')) || {};
    } catch (_) {
        return null;
    }
}

// The nearest folder at or above one of which something holds; else the root.
function nearest(folder, holds) {
    while (folder !== '/' && !holds(folder)) {
        folder = path.dirname(folder);
    }
    return folder;
}

// What a program uses

function parsed(file, source) {
    const { parse } = require('internal/deps/acorn/acorn/dist/acorn');
    const of = nearest(path.dirname(file), (folder) => fs.existsSync(path.join(folder, 'package.json')));
    const isModule = file.endsWith('.mjs') || (!file.endsWith('.cjs') && (manifest(of) || {}).type === 'module');
    const options = { ecmaVersion: 'latest', allowHashBang: true, locations: true };
    const script = { ...options, sourceType: 'script', allowReturnOutsideFunction: true };
    return parse(source, isModule ? { ...options, sourceType: 'module' } : script);
}

const isRequire = (node) => node && node.type === 'CallExpression' && node.callee.type === 'Identifier'
    && node.callee.name === 'require' && node.arguments.length === 1 && typeof node.arguments[0].value === 'string';
const named = (node) => node.name || node.value;
const CONDITIONS = new Set(['IfStatement', 'ConditionalExpression', 'LogicalExpression']);

// Whether a node may fail.
function isTried(ancestors) {
    return ancestors.some((one, number) => one.type === 'CatchClause'
        || (one.type === 'TryStatement' && one.handler && ancestors[number + 1] === one.block));
}

// Whether a node may fail, or need not be reached.
function isOptional(ancestors) {
    return isTried(ancestors) || ancestors.some((one) => CONDITIONS.has(one.type));
}

// Whether the value of a node decides what is done.
function isAsked(node, above) {
    return ['UnaryExpression', 'BinaryExpression', 'LogicalExpression'].includes(above.type)
        || above.test === node || above.left === node;
}

// Where the value of an expression comes from: a module, and the names within it.
function origin(node) {
    const names = [];
    while (node && node.type === 'MemberExpression' && !node.computed && !node.optional) {
        names.unshift(node.property.name);
        node = node.object;
    }
    return { node, names };
}

// All uses of modules in a program: `how` is `require` or `import`, `names` must be there, and `called` is a function.
function uses(file, source) {
    const walk = require('internal/deps/acorn/acorn-walk/dist/walk');
    const found = [], bound = new Map(), times = new Map(), guarded = new Set(), calls = [];
    const use = (node, how, name, rest) => {
        found.push({ file, line: node.loc.start.line, how, name, names: [], ...rest });
    };
    const declare = (node, target) => {
        if (node.type === 'Identifier') {
            times.set(node.name, (times.get(node.name) || 0) + 1);
            if (target) {
                bound.set(node.name, target);
            }
        } else if (node.type === 'ObjectPattern') {
            for (const one of node.properties) {
                const isPlain = target && one.type === 'Property' && !one.computed && one.value.type === 'Identifier';
                const inner = isPlain ? { ...target, names: [...target.names, one.key.name] } : null;
                declare(one.value || one.argument, inner);
            }
        } else if (node.type === 'AssignmentPattern') {
            declare(node.left, null);
        } else if (node.type === 'ArrayPattern') {
            node.elements.filter(Boolean).forEach((one) => declare(one, null));
        } else if (node.type === 'RestElement') {
            declare(node.argument, null);
        }
    };
    const visitors = {
        ImportDeclaration(node) {
            const name = node.source.value;
            const all = [];
            for (const one of node.specifiers) {
                const is = one.imported ? named(one.imported) : 'default';
                const names = one.type === 'ImportNamespaceSpecifier' ? [] : [is];
                declare(one.local, { how: 'import', name, names });
                all.push(...names);
            }
            use(node, 'import', name, { exports: all });
        },
        ExportNamedDeclaration(node) {
            if (node.source) {
                use(node, 'import', node.source.value, { exports: node.specifiers.map((one) => named(one.local)) });
            }
        },
        ExportAllDeclaration(node) {
            use(node, 'import', node.source.value);
        },
        ImportExpression(node, ancestors) {
            const isCaught = ancestors.some((one) => one.type === 'MemberExpression' && one.property.name === 'catch');
            if (typeof node.source.value === 'string' && !isCaught && !isOptional(ancestors)) {
                use(node, 'import', node.source.value);
            }
        },
        VariableDeclarator(node, ancestors) {
            const { node: from, names } = origin(node.init);
            const isKnown = isRequire(from) && !isOptional(ancestors);
            declare(node.id, isKnown ? { how: 'require', name: from.arguments[0].value, names } : null);
        },
        CallExpression(node, ancestors) {
            if (isRequire(node) && !isOptional(ancestors)) {
                use(node, 'require', node.arguments[0].value);
            }
            calls.push([node, node.callee, isTried(ancestors)]);
        },
        NewExpression(node, ancestors) {
            calls.push([node, node.callee, isTried(ancestors)]);
        },
        MemberExpression(node, ancestors) {
            if (!node.computed && isAsked(node, ancestors[ancestors.length - 2] || {})) {
                guarded.add(node.property.name);
            }
        },
        AssignmentExpression(node) {
            declare(node.left, null);
        },
        Function(node) {
            node.params.forEach((one) => declare(one, null));
            if (node.id) {
                declare(node.id, null);
            }
        },
        Class(node) {
            if (node.id) {
                declare(node.id, null);
            }
        },
        CatchClause(node) {
            if (node.param) {
                declare(node.param, null);
            }
        },
    };
    walk.fullAncestor(parsed(file, source), (node, _, ancestors) => {
        const visit = visitors[node.type.replace(/^(Arrow)?(Function|Class)(Declaration|Expression)$/, '$2')];
        if (visit) {
            visit(node, ancestors);
        }
    });
    for (const [node, callee, isFine] of calls) {
        const { node: from, names } = origin(callee);
        let target = from && from.type === 'Identifier' && times.get(from.name) === 1 ? bound.get(from.name) : null;
        if (isRequire(from)) {
            target = { how: 'require', name: from.arguments[0].value, names: [] };
        }
        const all = target ? [...target.names, ...names] : [];
        if (target && !isFine && !all.some((name) => guarded.has(name))) {
            use(node, target.how, target.name, { names: all, called: true });
        }
    }
    // A text that was put together from others has a `require` of its own.
    return times.has('require') ? found.filter((one) => one.how === 'import') : found;
}

// What is there: in a process that may end at any time

async function load(tasks, ended, root) {
    const end = process.reallyExit.bind(process), tell = (line) => fs.writeSync(3, `${JSON.stringify(line)}\n`);
    process.exit = process.reallyExit = process.abort = () => {
        throw new Error('it ends the process');
    };
    process.on('uncaughtException', () => {});
    process.on('unhandledRejection', () => {});
    const near = createRequire(path.join(root, 'program.js')), loaded = new Map();
    const isOwn = (name) => !builtinModules.includes(name.replace(/^node:/, ''))
        && !/^\/usr\/|\/node_modules\//.test(near.resolve(name));
    async function one({ how, name, isPackage }) {
        const key = `${how} ${name}`;
        if (key in ended) {
            return { why: ended[key], isUnknown: ended[key] === '' };
        }
        tell({ load: key });
        try {
            if (how === 'require') {
                return isOwn(name) ? { isUnknown: true } : { value: near(name) };
            }
            return { value: await import(name) };
        } catch (error) {
            const isNoEntry = isPackage && /^(ERR_PACKAGE_PATH|ERR_REQUIRE_ESM)/.test(error && error.code);
            return { why: reason(error), isUnknown: isNoEntry };
        } finally {
            tell({ load: null });
        }
    }
    for (const task of tasks) {
        const key = `${task.how} ${task.name}`;
        if (!loaded.has(key)) {
            loaded.set(key, await one(task));
        }
        const { why, value, isUnknown } = loaded.get(key);
        if (!isUnknown) {
            const missing = why ? [`${task.name} cannot be loaded`, why] : lacking(task, value);
            if (missing) {
                tell({ unresolved: [task.file, task.line, ...missing] });
            }
        }
    }
    tell({ done: true });
    end(0);
}

function reason(error) {
    const text = error instanceof Error ? String(error.message).split('\n')[0] : String(error);
    return `${(error && error.code) || (error && error.name) || 'thrown'}: ${text}`.slice(0, 300);
}

// What is missing of a use, and why.
function lacking(task, value) {
    const lost = (task.exports || []).find((name) => !(name in value));
    if (lost !== undefined) {
        return [`${task.name} has no ${lost}`, ''];
    }
    let at = task.name;
    for (const name of task.names) {
        if (value === null || !['object', 'function'].includes(typeof value)) {
            return null;
        }
        if (!(name in value)) {
            return [`${at} has no ${name}`, ''];
        }
        value = value[name];
        at += `.${name}`;
    }
    return task.called && typeof value !== 'function' ? [`${at} is no function`, ''] : null;
}

// One process after another

function ask(tasks, root, code, end) {
    const ended = {};
    for (let times = 0; times < ENDED && Date.now() < end; times++) {
        const timeout = Math.min(ONE, end - Date.now());
        const done = spawnSync(process.execPath, ['--no-warnings', '-e', code], {
            cwd: root, timeout, killSignal: 'SIGKILL', maxBuffer: 64 << 20,
            input: JSON.stringify({ tasks, ended, root }), stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
        });
        const lines = String((done.output || [])[3] || '').split('\n').filter(Boolean).map((line) => JSON.parse(line));
        if (lines.some((line) => line.done)) {
            return lines.filter((line) => line.unresolved).map((line) => line.unresolved);
        }
        const loading = lines.filter((line) => 'load' in line).map((line) => line.load).pop();
        if (!loading) {
            break;
        }
        const isLate = done.error && done.error.code === 'ETIMEDOUT';
        ended[loading] = isLate ? '' : `it ends the process: ${done.signal || `status ${done.status}`}`;
        if (isLate) {
            told.unread.push(loading);
        }
    }
    told.unread.push(root);
    return [];
}

// The programs of an installed package, and what it is when it is loaded.
function ofPackage(file) {
    const folder = path.dirname(file), what = manifest(folder);
    if (!what || typeof what.name !== 'string' || INSTALLERS.has(what.name)) {
        return { programs: [], tasks: [] };
    }
    const bins = typeof what.bin === 'string' ? [what.bin] : Object.values(what.bin || {});
    const programs = bins.filter((one) => typeof one === 'string').map((one) => path.join(folder, one));
    const how = what.type === 'module' ? 'import' : 'require';
    const hasEntry = what.exports || what.main || fs.existsSync(path.join(folder, 'index.js'));
    return { programs, tasks: hasEntry ? [{ file, line: 0, how, name: what.name, names: [], isPackage: true }] : [] };
}

function read(question) {
    const end = Date.now() + WITHIN, groups = new Map();
    const add = (task) => {
        const root = nearest(path.dirname(task.file), (folder) => fs.existsSync(path.join(folder, 'node_modules')));
        groups.set(root, [...(groups.get(root) || []), task]);
    };
    const packages = question.packages.slice(0, PACKAGES).map(ofPackage);
    let left = ALL;
    for (const file of new Set([...question.files, ...packages.flatMap((one) => one.programs)])) {
        const source = content(file);
        if (source === null) {
            continue;
        }
        told.read += 1;
        left -= source.length;
        try {
            const all = left < 0 ? [] : uses(file, source);
            all.filter((one) => !/^[./#]|^file:|^data:/.test(one.name)).forEach(add);
        } catch (_) {
            told.unread.push(file);
        }
    }
    packages.flatMap((one) => one.tasks).forEach(add);
    told.read += packages.length;
    const seen = new Set();
    for (const [root, tasks] of [...groups].sort()) {
        for (const one of ask(tasks, root, question.code, end)) {
            const key = JSON.stringify([one[0], one[2]]);
            if (!seen.has(key)) {
                seen.add(key);
                told.unresolved.push(one);
            }
        }
    }
    fs.writeSync(1, JSON.stringify(told));
}

const question = JSON.parse(fs.readFileSync(0, 'utf8'));
if (question.tasks) {
    load(question.tasks, question.ended, question.root);
} else {
    read(question);
}
