import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { customerOf, documentFields } from '#sandbox/vendor/customers.ts'
import { makeVendorKey, seal } from '#sandbox/vendor/keys.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { RELEASE_VARIABLE, vendorEntry } from '../support/vendor-cli.ts'

/**
 * What may not send does not, by the kernel's own count: commands run in a network of their own with no way out, where
 * every attempt to send anything, a look-up of a name included, is counted.
 */

const skip =
  spawnSync('unshare', ['-rn', 'true']).status === 0
    ? false
    : 'a network of its own needs Linux and user namespaces'

describe('what may not send', { timeout: 120_000, skip }, () => {
  let cli: PackagedCli
  let entry: string
  let home: string
  let environment: Record<string, string>

  before(async () => {
    cli = await packCli()
    entry = await vendorEntry(cli)
    home = await mkdtemp(join(tmpdir(), 'pgctl-silent-'))
    const [root, key] = [makeVendorKey('root-1'), makeVendorKey('key-1')]
    const release = {
      product: 'paragon',
      url: 'https://license.vendor.invalid',
      roots: [{ kid: root.kid, key: root.publicKey }],
      keys: [{ kid: key.kid, key: key.publicKey, notBefore: '2024-01-01', notAfter: '2099-01-01' }],
    }
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      [RELEASE_VARIABLE]: JSON.stringify(release),
    }
    const now = Date.now()
    await writeFile(join(home, 'acme.license'), seal('document', key, documentFields(customerOf(now), now)))
    await mkdir(join(home, 'config', 'pgctl'), { recursive: true })
    await writeFile(
      join(home, 'config', 'pgctl', 'config.yaml'),
      'installations: {acme: {workspace: paragon-acme-5d1f0c2e, account: "111122223333", region: eu-central-1}}\n',
    )
  })
  after(async () => {
    await rm(home, { recursive: true, force: true })
    await cli?.[Symbol.asyncDispose]()
  })

  /** Runs commands, one after the other, and gives what the kernel has counted of IP by then. */
  async function sentBy(
    ...commands: readonly string[]
  ): Promise<{ sent: number; refused: number; output: string }> {
    const script = commands.map((command) => `"${process.execPath}" "${entry}" ${command} || true`)
    const { stdout } = await promisify(execFile)(
      'unshare',
      ['-rn', 'sh', '-c', [...script, 'cat /proc/net/snmp'].join('\n')],
      { cwd: home, env: environment },
    )
    const [names = [], values = []] = [...stdout.matchAll(/^Ip: (.*)$/gm)].map(([, row = '']) =>
      row.split(' '),
    )
    const count = (name: string) => Number(values[names.indexOf(name)])
    return { sent: count('OutRequests'), refused: count('OutNoRoutes'), output: stdout }
  }

  it('sends no packet, and does not try to: everything about license and analytics but asking the vendor', async () => {
    const { sent, refused, output } = await sentBy(
      'license verify acme.license',
      'license install acme.license',
      'license status',
      'license request',
      'egress list',
      'analytics preview',
      'analytics off --local',
      'analytics status --local',
      'egress verify',
    )
    assert.match(output, /valid: the license is valid/)
    assert.match(output, /nothing has left/)
    assert.match(output, /analytics since row 1, 0 sent since/)
    assert.deepEqual([sent, refused], [0, 0])
  })

  it('would have been seen: asking is counted, and changes nothing', async () => {
    const { sent, refused, output } = await sentBy('license install acme.license', 'license verify')
    assert.ok(sent + refused > 0, 'the count does not see what it is for')
    assert.match(output, /valid: the license is valid/)
  })
})
