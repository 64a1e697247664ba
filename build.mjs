// Bundles the CLI into dist/: one chunk a command, shared code split off, so that a command loads what it needs.
// Then writes oclif's manifest, with which `--help` and dispatch load no command at all.
import { readFileSync } from 'node:fs'
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'
import { build } from 'esbuild'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('.', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

await rm(`${root}dist`, { recursive: true, force: true })
await rm(`${root}oclif.manifest.json`, { force: true })

/**
 * Node's own modules by `require`: an `import` of one asks it for all that it exports, and some of that is costly. Of
 * node:http it loads a whole second HTTP client (16 ms), of node:process it opens all three standard streams.
 */
const builtinsByRequire = {
  name: 'builtins-by-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?(fs|http|https|process|crypto|util)$/ }, ({ path, kind }) =>
      kind === 'require-call' ? undefined : { path, namespace: 'builtin' },
    )
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}

/** oclif sorts the names of commands by the rules of a language, and loading those takes 8 ms of every start. */
const plainSort = {
  name: 'plain-sort',
  setup({ onLoad }) {
    onLoad({ filter: /@oclif\/core\/lib\/config\/plugin\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const sorting = 'a.id.localeCompare(b.id)'
      // Another version may sort elsewhere: then this plugin goes, and the figures say whether anything is lost.
      if (!source.includes(sorting)) throw new Error(`${path} no longer holds ${sorting}`)
      return { contents: source.replace(sorting, 'a.id < b.id ? -1 : 1') }
    })
  },
}

/** pino's transports run in threads of their own; a function writes its lines itself. */
const noThreads = {
  name: 'no-threads',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^thread-stream$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = undefined' }))
  },
}

/**
 * A command loads a client when it needs one; a function needs all of its own, and is given the most processor while it
 * starts. Loaded with the rest, they also keep only what is used of them.
 */
const clientsAtOnce = {
  name: 'clients-at-once',
  setup({ onLoad }) {
    onLoad({ filter: /core\/aws\/[\w-]+\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const parts = new Set()
      const contents = source.replaceAll(/import\('#core\/aws\/parts\/(\w+)\.ts'\)/g, (_, part) => {
        parts.add(part)
        return `Promise.resolve(${part}Part)`
      })
      const imports = [...parts].map((part) => `import * as ${part}Part from '#core/aws/parts/${part}.ts';`)
      return { contents: imports.join('') + contents, loader: 'ts' }
    })
  },
}

/** What the bundles of the CLI and of the functions share. */
const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // A CommonJS package behind `await import()` has only a default export in a bundle; the SDKs bring ES modules, too.
  mainFields: ['module', 'main'],
  legalComments: 'none',
  logLevel: 'warning',
  define: { PGCTL_VERSION: JSON.stringify(version) },
  // CommonJS dependencies inside an ES module still ask for `require`.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
}

const commands = await Array.fromAsync(glob('cli/commands/**/*.ts', { cwd: root }))
await build({
  ...shared,
  entryPoints: [
    { in: 'cli/cli.ts', out: 'cli' },
    { in: 'cli/quick-psql.ts', out: 'quick-psql' },
    ...commands.sort().map((path) => ({ in: path, out: path.replace(/\.ts$/, '') })),
  ],
  outdir: 'dist',
  plugins: [builtinsByRequire, plainSort],
  splitting: true,
  keepNames: true,
  // A native module, and a database, stay outside; only the sandbox loads them, and says so when one is missing.
  external: ['@lydell/node-pty', '@electric-sql/pglite'],
})

/** The entry is one file with all that `pgctl kubectl` needs where a tunnel is there: each file more costs a start. */
const cliApart = {
  name: 'cli-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(cli|quick-psql)\.ts$/ }, ({ path }) => ({
      path: path.replace(/\.ts$/, '.js'),
      external: true,
    }))
  },
}
await build({
  ...shared,
  entryPoints: ['cli/main.ts'],
  outdir: 'dist',
  plugins: [builtinsByRequire, cliApart],
  keepNames: true,
})

// The functions: one file each, with all that it needs; its folder is what goes into its archive.
const functions = ['license-verify', 'ledger-checkpoint', 'snapshot-tick', 'bastion-tick']
for (const name of functions) {
  await build({
    ...shared,
    entryPoints: [`functions/${name}.ts`],
    outfile: `dist/functions/${name}/index.js`,
    plugins: [builtinsByRequire, noThreads, clientsAtOnce],
  })
  await writeFile(`${root}dist/functions/${name}/package.json`, '{"type":"module"}\n')
}
// The names of the products whose parts are looked for.
for (const name of ['snapshot-tick', 'bastion-tick'])
  await cp(`${root}profiles`, `${root}dist/functions/${name}/profiles`, { recursive: true })

// The stack of the bastion: one template with parameters, which `pgctl bastion deploy` deploys as it is.
await writeFile(
  `${root}dist/bastion-stack.json`,
  `${JSON.stringify(parse(await readFile(`${root}bastion-stack.yml`, 'utf8')))}\n`,
)

// Loading the commands once without a manifest is what makes one.
const config = await Config.load({ root, ignoreManifest: true })
const plugin = config.plugins.get('pgctl')
await writeFile(`${root}oclif.manifest.json`, `${JSON.stringify(plugin.manifest, null, 2)}\n`)
