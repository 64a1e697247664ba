// Writes docs/cli/*.md from the commands themselves; with --check, fails when the files are not what it would write.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Command, Config, Help } from '@oclif/core'
import { codesByStatus, EXIT_STATUSES, type ExitStatus } from '../cli/exit-codes.ts'
import { CLUSTER_RIGHTS, type ClusterRight, roleGiving } from '../core/kube/rights.ts'
import { NEEDS } from '../core/permissions/needs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = new URL('../docs/cli/', import.meta.url)

class PlainHelp extends Help {
  text(command: Command.Loadable): string {
    return this.formatCommand(command)
  }
}

async function pages(): Promise<Map<string, string>> {
  process.env['NO_COLOR'] = '1'
  process.env['OCLIF_COLUMNS'] = '110'
  const config = await Config.load({ root })
  const help = new PlainHelp(config, { maxWidth: 110, stripAnsi: true })
  const result = new Map<string, string>()
  const commands = config.commands
    .filter((command) => !command.hidden)
    .sort((a, b) => a.id.localeCompare(b.id))
  for (const command of commands) {
    const name = command.id.replaceAll(':', ' ')
    const text = help
      .text(command)
      .replaceAll(/[ \t]+$/gm, '')
      .trim()
    result.set(`${command.id.replaceAll(':', '-')}.md`, `# pgctl ${name}\n\n\`\`\`text\n${text}\n\`\`\`\n`)
  }
  const index = commands.map(
    ({ id, summary }) => `| [\`${id.replaceAll(':', ' ')}\`](${id.replaceAll(':', '-')}.md) | ${summary} |`,
  )
  result.set(
    'README.md',
    [
      '# Commands',
      '',
      'Made from the commands by `npm run docs`; CI fails when this is stale.',
      '',
      '| command | what it does |',
      '| --- | --- |',
      ...index,
      '',
      '## Exit status',
      '',
      '| status | meaning | error codes |',
      '| --- | --- | --- |',
      ...Object.entries(EXIT_STATUSES).map(
        ([status, meaning]) =>
          `| ${status} | ${meaning} | ${(codesByStatus().get(Number(status) as ExitStatus) ?? []).map((code) => `\`${code}\``).join(', ')} |`,
      ),
      '',
      '## Permissions',
      '',
      'What each command calls of AWS; `pgctl iam policy --for COMMAND` binds it to an installation.',
      '',
      '| command | actions |',
      '| --- | --- |',
      ...Object.entries(NEEDS).map(
        ([command, needs]) => `| \`${command}\` | ${listed(needs.map(({ action }) => action))} |`,
      ),
      '',
      '## Rights in the cluster',
      '',
      'In the namespace of the product, and the smaller of the roles of `pgctl iam kubernetes` that has them.',
      '',
      '| command | rights | role |',
      '| --- | --- | --- |',
      ...Object.entries(CLUSTER_RIGHTS).map(
        ([command, rights]) =>
          `| \`${command}\` | ${listed(rights.map(({ verb, resource }) => `${verb} ${resource}`))} | ${roleFor(rights)} |`,
      ),
      '',
    ].join('\n'),
  )
  return result
}

function listed(words: readonly string[]): string {
  return [...new Set(words)].map((word) => `\`${word}\``).join(', ')
}

function roleFor(rights: readonly ClusterRight[]): string {
  const roles = new Set(rights.map(roleGiving))
  return roles.has(undefined) ? '' : roles.has('operate') ? '`operate`' : '`view`'
}

async function current(): Promise<Map<string, string>> {
  const names = await readdir(folder).catch(() => [])
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')] as const),
    ),
  )
}

const wanted = await pages()
const present = await current()
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter(
  (name) => wanted.get(name) !== present.get(name),
)

if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    process.stderr.write(`docs/cli is stale (${stale.join(', ')}); run: npm run docs\n`)
    process.exitCode = 1
  }
} else {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [name, text] of wanted) await writeFile(new URL(name, folder), text)
  process.stdout.write(`docs/cli: ${wanted.size} pages\n`)
}
