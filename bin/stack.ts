// `npm run stack`: packages serverless.yml (after `node build.mjs`) into dist/stack, as `pgctl deploy` takes it: one
// template with parameters, and the archives of the functions under the digests of what they hold.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { describeParameter } from '../core/stack/parameters.ts'
import { codeKey, labelled } from '../core/stack/release.ts'
import { markOf, type ParameterSpec, parameterise, type Template } from '../core/stack/template.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { output: { type: 'string', default: join(root, 'dist/stack') } } })

/** The parameters that serverless.yml names, and what they begin with; the region is where the stack is. */
function parametersOf(source: string): Record<string, ParameterSpec> {
  const found = [...source.matchAll(/\$\{param:(\w+)(?:,\s*'([^']*)')?\}/g)]
  const names = [...new Set(found.map(([, name]) => name as string))].filter((name) => name !== 'region')
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        ...describeParameter(name),
        default: found.find(([, each, initial]) => each === name && initial !== undefined)?.[2],
      },
    ]),
  )
}

const folder = await mkdtemp(join(tmpdir(), 'pgctl-stack-'))
try {
  const source = await readFile(join(root, 'serverless.yml'), 'utf8')
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const specs = parametersOf(source)
  const marks = Object.keys(specs).flatMap((name) => ['--param', `${name}=${markOf(name)}`])
  await promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/.bin/osls'), 'package', '--package', folder, ...marks],
    // No credentials and an empty home: what the template is depends on the sources alone.
    { cwd: root, env: { PATH: process.env['PATH'] ?? '', HOME: folder } },
  )
  const read = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Template
  const template = await read('cloudformation-template-update-stack.json')
  const archives = await Promise.all(
    (await readdir(folder))
      .filter((file) => file.endsWith('.zip'))
      .sort()
      .map(async (file) => ({ file, key: codeKey(await readFile(join(folder, file)), file) })),
  )
  // The keys that osls makes hold the moment: the same code under another name would be an update.
  const text = JSON.stringify(template).replaceAll(/"serverless\/[^"]*\/([\w-]+\.zip)"/g, (_, file: string) =>
    JSON.stringify(archives.find((archive) => archive.file === file)?.key),
  )
  const packaged = JSON.parse(text) as Record<string, Template>
  // An export's name must be unique in an account: there may be two installations.
  const outputs = { ServerlessDeploymentBucketName: { Value: { Ref: 'ServerlessDeploymentBucket' } } }
  const release = {
    v: 1,
    version,
    bootstrap: await read('cloudformation-template-create-stack.json'),
    template: labelled(version, parameterise({ ...packaged, Outputs: outputs }, specs)),
    archives,
  }
  await rm(values.output, { recursive: true, force: true })
  await mkdir(values.output, { recursive: true })
  for (const { file } of archives) await cp(join(folder, file), join(values.output, file))
  await writeFile(join(values.output, 'release.json'), `${JSON.stringify(release, null, 1)}\n`)
  process.stdout.write(`${values.output}: pgctl ${version}, ${archives.length} functions\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
