import { cp, glob } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { PackagedCli } from './packaged-cli.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The variable by which a test hands its vendor to this build; the product's own build has no such thing. */
export const RELEASE_VARIABLE = 'PGCTL_TEST_RELEASE'

const built = new Map<string, Promise<string>>()

/**
 * The CLI of another release: the same sources, but for the one file that says which vendor it belongs to. Built once
 * beside a packaged one; gives the file to run.
 */
export function vendorEntry(cli: PackagedCli): Promise<string> {
  const known = built.get(cli.folder) ?? buildInto(cli)
  built.set(cli.folder, known)
  return known
}

async function buildInto({ folder }: PackagedCli): Promise<string> {
  const target = join(folder, 'of-a-vendor')
  for (const name of ['package.json', 'oclif.manifest.json', 'profiles'])
    await cp(join(folder, name), join(target, name), { recursive: true })
  const commands: string[] = []
  for await (const path of glob('cli/commands/{license,egress,analytics}/*.ts', { cwd: root }))
    commands.push(path)
  await build({
    absWorkingDir: root,
    entryPoints: ['cli/main.ts', 'cli/commands/billing.ts', ...commands].map((path) => ({
      in: path,
      out: path === 'cli/main.ts' ? 'main' : path.replace(/\.ts$/, ''),
    })),
    outdir: join(target, 'dist'),
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    external: ['@lydell/node-pty'],
    define: { PGCTL_VERSION: '"0.0.0"' },
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'other-release',
        setup({ onLoad }) {
          onLoad({ filter: /core\/vendor\/release\.ts$/ }, () => ({
            contents: `export const RELEASE = JSON.parse(process.env.${RELEASE_VARIABLE})`,
          }))
        },
      },
    ],
  })
  return join(target, 'dist', 'main.js')
}
