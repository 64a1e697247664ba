import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { parseRules, withDatastoreRules } from '#core/bastion/datastore-rules.ts'
import { documentTemplate } from '#core/permissions/documents.ts'
import { packCli } from '../support/packaged-cli.ts'
import { runPeer } from '../support/peer-process.ts'
import { describeWith, programOf } from '../support/peers.ts'

/**
 * The template that is deployed, checked by the linter that knows every property of every type: emulators take what
 * CloudFormation would refuse.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What it finds that is not ours: osls names, behind what depends already, what it depends on. */
const NOT_OURS = ['W3005']

interface Finding {
  readonly Rule: { readonly Id: string }
  readonly Message: string
}

describeWith(['cfn-lint'], 'the template and cfn-lint', { timeout: 120_000 }, () => {
  let folder: string
  // biome-ignore lint/suspicious/noExplicitAny: the template, which tests spoil.
  let template: any

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-lint-'))
    await using _cli = await packCli()
    const words = ['bin/stack.ts', '--output', join(folder, 'stack')]
    await promisify(execFile)(process.execPath, words, { cwd: root })
    template = JSON.parse(await readFile(join(folder, 'stack/release.json'), 'utf8')).template
  })
  after(() => rm(folder, { recursive: true, force: true }))

  // biome-ignore lint/suspicious/noExplicitAny: the template, which tests spoil.
  const bastionStack = async (): Promise<any> =>
    parse(await readFile(join(root, 'bastion-stack.yml'), 'utf8'))

  async function findings(checked: object): Promise<string[]> {
    const path = join(folder, 'template.json')
    await writeFile(path, JSON.stringify(checked, null, 1))
    const { stdout } = await runPeer(
      programOf('cfn-lint'),
      ['--template', path, '--regions', 'eu-central-1', '--format', 'json', '--ignore-checks', ...NOT_OURS],
      { environment: { PATH: '/usr/bin:/bin', HOME: folder } },
    )
    return (JSON.parse(stdout) as Finding[]).map(({ Rule, Message }) => `${Rule.Id} ${Message}`)
  }

  it('finds nothing', async () => {
    assert.deepEqual(await findings(template), [])
  })

  it('finds nothing in the stack of the bastion', async () => {
    const rules = parseRules('sg-0a1b2c3d:5432,sg-0a1b2c3d:6379')
    assert.deepEqual(await findings(withDatastoreRules(await bastionStack(), rules)), [])
  })

  it('would find a machine that takes any request for its credentials, and a rule that is none', async () => {
    const spoilt = await bastionStack()
    spoilt.Resources.BastionTemplate.Properties.LaunchTemplateData.MetadataOptions.HttpTokens = 'whatever'
    spoilt.Resources.BastionGroup.Properties.SecurityGroupEgress[0].IpProtocol = 17.5
    spoilt.Resources.SessionPreferences.Properties.DocumentType = 'Chat'
    const found = (await findings(spoilt)).join('\n')
    for (const word of ['whatever', '17.5', 'Chat']) assert.match(found, new RegExp(word))
  })

  it('finds nothing in session documents of an installation', async () => {
    const documents = documentTemplate('paragon-acme-5d1f0c2e', [
      { name: 'cluster', host: 'a1b2.gr7.eu-central-1.eks.amazonaws.com', port: 443 },
      { name: 'redis-queue', host: 'q.cache.amazonaws.com', port: 6379 },
    ])
    assert.deepEqual(await findings(documents), [])
  })

  it('would find a schedule, a key and a right that are none', async () => {
    const spoilt = structuredClone(template)
    spoilt.Resources.LedgerKey.Properties.KeySpec = 'ECC_OF_NOBODY'
    spoilt.Resources.LicenseVerifySchedule.Properties.State = 'SOMETIMES'
    spoilt.Resources.LicenseVerifyRole.Properties.Policies[0].PolicyDocument.Statement[0].Effect = 'Maybe'
    const found = (await findings(spoilt)).join('\n')
    for (const word of ['ECC_OF_NOBODY', 'SOMETIMES', 'Maybe']) assert.match(found, new RegExp(word))
  })
})
